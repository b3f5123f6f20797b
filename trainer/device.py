"""Where a stage computes, in which number format, and how arrays get there."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from trainer.data.pictures import normalise
from trainer.data.samples import Columns
from trainer.tasks.objective import Batch


def choose(precision: str) -> torch.device:
    """The first GPU, else the CPU. Raises ValueError for a precision the device lacks."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if precision in ("fp16", "tf32") and device.type == "cpu":
        raise ValueError(f"precision: {precision} needs a GPU; bf16 and fp32 run on the CPU")
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    return device


def has_compiler() -> bool:
    """torch.compile writes C++ and has it compiled on the spot."""
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++"))


def set_threads(count: int) -> None:
    """0 takes every core this process may use."""
    torch.set_num_threads(count or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count or os.cpu_count() or 1)


def describe(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    num_threads = torch.get_num_threads()
    return f"CPU, {num_threads} thread{'s' * (num_threads > 1)}"


def gpu_uuid(device: torch.device) -> str | None:
    """The name by which NVML knows the GPU, whichever of them this process may see; None for a CPU."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}" if device.type == "cuda" else None


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    if precision in ("fp32", "tf32"):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16 if precision == "bf16" else torch.float16)


def to_batch(columns: Columns, device: torch.device, rng: np.random.Generator, pictures: np.ndarray | None = None) -> Batch:
    """Normalises the pictures (augmented ones where given) and moves all columns to the device."""
    shown = columns.pictures if pictures is None else pictures

    def move(array: np.ndarray | None) -> Tensor | None:
        return None if array is None else torch.from_numpy(array).to(device, non_blocking=True)

    normalised = None if shown is None else normalise(shown)
    return Batch(move(normalised), move(columns.tokens), move(columns.mask), move(columns.labels), move(columns.same), rng, columns.mask)
