"""What a stage says of the machine, on a CPU and beside a GPU that answers or refuses."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest

from trainer import system
from trainer.system import SystemFigures, gpu_figures


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(system.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A device that says all it is asked; put an NVMLError in the place of an answer and it refuses that."""
    answers: dict[str, object] = {
        "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=93, memory=40),
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=5 * 2**30, total=80 * 2**30),
        "nvmlDeviceGetPowerUsage": 412_500,
        "nvmlDeviceGetTemperature": 61,
    }

    def answer(name: str) -> object:
        if isinstance(answers[name], Exception):
            raise answers[name]
        return answers[name]

    for name in answers:
        monkeypatch.setattr(pynvml, name, lambda *_, name=name: answer(name))
    return answers


def test_figures_of_the_process_come_at_most_every_two_seconds(clock: list[float]) -> None:
    figures = SystemFigures()
    assert figures.sample() == {}
    clock[0] += 2
    assert set(figures.sample()) == {system.CPU_PERCENT, system.MEMORY_BYTES}
    clock[0] += 1.9
    assert figures.sample() == {}
    clock[0] += 0.1
    assert figures.sample()[system.MEMORY_BYTES] > 2**20


def test_a_gpu_tells_load_memory_power_and_temperature_in_plain_units(nvml: dict[str, object]) -> None:
    assert gpu_figures(object()) == {
        system.GPU_PERCENT: 93.0,
        system.GPU_MEMORY_BYTES: 5.0 * 2**30,
        system.GPU_POWER_W: 412.5,
        system.GPU_TEMPERATURE_C: 61.0,
    }


def test_what_a_device_cannot_say_is_left_out(nvml: dict[str, object]) -> None:
    nvml["nvmlDeviceGetPowerUsage"] = pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
    assert system.GPU_POWER_W not in gpu_figures(object())
    assert len(gpu_figures(object())) == 3


def test_a_machine_without_nvml_has_no_gpu_figures(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    figures = SystemFigures("GPU-1234")
    clock[0] += 2
    assert set(figures.sample()) == {system.CPU_PERCENT, system.MEMORY_BYTES}
