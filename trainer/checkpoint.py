"""Checkpoints: folders of safetensors and JSON, written whole or not at all, refused when a byte has changed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from trainer.manifest import MANIFEST, Damaged, write_manifest

NUM_KEPT = 2
NAME = re.compile(r"^stage-(\d+)-step-(\d+)$")


def name_of(stage: int, step: int) -> str:
    return f"stage-{stage}-step-{step:06d}"


def write(folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], documents: Mapping[str, Any]) -> int:
    """Writes `<name>.safetensors` and `<name>.json` files with a manifest of their digests; returns the size in bytes.

    Everything is written and synced under another name first, so a folder of that name is always whole. What a full disk
    leaves half written is deleted: the room is needed to say so.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        size_bytes = fill(partial, tensors, documents)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    sync(folder.parent)
    return size_bytes


def fill(folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], documents: Mapping[str, Any]) -> int:
    for name, values in tensors.items():
        save_file({key: value.detach().contiguous().cpu() for key, value in values.items()}, folder / f"{name}.safetensors")
    for name, document in documents.items():
        text = document if isinstance(document, str) else json.dumps(document, indent=1)
        (folder / f"{name}.json").write_text(text)
    size_bytes = write_manifest(folder)
    for path in (*folder.iterdir(), folder):
        sync(path)
    return size_bytes


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Raises Damaged, naming the file, for one that is missing or no safetensors: nothing is ever unpickled."""
    try:
        return load_file(folder / f"{name}.safetensors")
    except (SafetensorError, FileNotFoundError) as error:
        raise Damaged(f"{folder.name}: {name}.safetensors is no safetensors file ({error})") from error


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def of_stage(folder: Path, stage: int) -> list[Path]:
    """Returns the stage's checkpoints in a `checkpoints` folder, newest first."""
    found = [(int(match[2]), path) for path in folder.glob("stage-*") if (match := NAME.match(path.name)) and int(match[1]) == stage]
    return [path for _, path in sorted(found, reverse=True)]


def step_of(folder: Path) -> int:
    found = NAME.match(folder.name)
    assert found
    return int(found[2])


def newest(folder: Path) -> Path:
    """Returns the last checkpoint of the last stage under a train folder, or the folder itself when it is one. Raises ValueError."""
    if (folder / MANIFEST).exists():
        return folder
    found = [((int(match[1]), int(match[2])), path) for path in folder.glob("checkpoints/stage-*") if (match := NAME.match(path.name))]
    if not found:
        raise ValueError(f"{folder} holds no checkpoint")
    return max(found)[1]


def is_regular(step: int, interval: int) -> bool:
    """Whether a checkpoint is due at a step; others are written for a stop, or at the end."""
    return step % interval == 0


def prune(folder: Path, stage: int, interval: int | None = None) -> None:
    """Deletes all but the stage's newest checkpoints, and what a killed process left half written.

    With an interval the newest of those that were due by it are spared too.
    """
    found = of_stage(folder, stage)
    due = [path for path in found if interval and is_regular(step_of(path), interval)]
    kept = {*found[:NUM_KEPT], *due[:NUM_KEPT]}
    for path in (*(path for path in found if path not in kept), *folder.glob(".stage-*.partial")):
        shutil.rmtree(path)
