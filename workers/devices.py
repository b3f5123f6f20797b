"""What this machine has to train on, without loading torch."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from typing import Any


def devices() -> list[dict[str, Any]]:
    """The CPU, and the NVIDIA GPUs that nvidia-smi lists."""
    return [{"kind": "cpu", "name": cpu_name(), "cores": num_cores(), "memory_bytes": memory_bytes()}, *gpus()]


def cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def num_cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def gpus() -> list[dict[str, Any]]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        listed = subprocess.run(query, text=True, capture_output=True, check=False, timeout=10).stdout
    except subprocess.TimeoutExpired:
        return []
    rows = [line.rpartition(",") for line in listed.splitlines() if "," in line]
    return [
        {"kind": "gpu", "name": name.strip(), "memory_bytes": int(memory) * 2**20} for name, _, memory in rows if memory.strip().isdigit()
    ]
