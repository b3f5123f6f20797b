"""How busy the machine is while it trains: this process's CPU and memory, and its GPU where NVML can be asked. Torch-free."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pynvml

SAMPLE_S = 2.0
CPU_PERCENT = "system/cpu_percent"  # of this process; 100 is one core
MEMORY_BYTES = "system/memory_bytes"  # resident, of this process
GPU_PERCENT = "system/gpu_percent"  # of the device, whoever uses it
GPU_MEMORY_BYTES = "system/gpu_memory_bytes"
GPU_POWER_W = "system/gpu_power_w"
GPU_TEMPERATURE_C = "system/gpu_temperature_c"

# What a device (a slice of one, a laptop's) cannot say is left out.
GPU_FIGURES: dict[str, Callable[[Any], float]] = {
    GPU_PERCENT: lambda device: float(pynvml.nvmlDeviceGetUtilizationRates(device).gpu),
    GPU_MEMORY_BYTES: lambda device: float(pynvml.nvmlDeviceGetMemoryInfo(device).used),
    GPU_POWER_W: lambda device: pynvml.nvmlDeviceGetPowerUsage(device) / 1000,  # it speaks in milliwatts
    GPU_TEMPERATURE_C: lambda device: float(pynvml.nvmlDeviceGetTemperature(device, pynvml.NVML_TEMPERATURE_GPU)),
}


class SystemFigures:
    """Sampled when asked, at most every 2 s: in between there is nothing new to say."""

    def __init__(self, gpu: str | None = None) -> None:
        """`gpu` is the device's UUID, None to leave it out."""
        self.process, self.device = psutil.Process(os.getpid()), find(gpu) if gpu else None
        self.process.cpu_percent()  # counts from here on
        self.sampled_at = time.monotonic()

    def sample(self) -> dict[str, float]:
        """Returns the figures by metric, nothing when the last ones are younger than 2 s."""
        if time.monotonic() - self.sampled_at < SAMPLE_S:
            return {}
        self.sampled_at = time.monotonic()
        own = {CPU_PERCENT: self.process.cpu_percent(), MEMORY_BYTES: float(self.process.memory_info().rss)}
        return own | (gpu_figures(self.device) if self.device else {})


def peak_memory_bytes() -> int:
    """Returns the most memory that this program has held, resident.

    Linux keeps it for each program; what `getrusage` says begins with the peak of the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def find(gpu: str) -> Any:
    """Returns NVML's handle of the device, None where there is no NVML or it does not know the device."""
    try:
        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByUUID(gpu)
    except pynvml.NVMLError:
        return None


def gpu_figures(device: Any) -> dict[str, float]:
    found = {}
    for name, ask in GPU_FIGURES.items():
        try:
            found[name] = ask(device)
        except pynvml.NVMLError:
            continue
    return found
