"""Small trained models that the tests of everything after training share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.attempts import Attempts
from trainer import recipes

Make = Callable[[str], Path]


def one_stage(inputs: str = "image_and_text") -> dict[str, Any]:
    """The tiny recipe's last stage alone, a few steps of it."""
    config = recipes.load()["sentiment-tiny"].config.model_dump(mode="json")
    stage = config["stages"][2] | {"steps": 12, "validation_interval": 12, "checkpoint_interval": 12}
    return config | {"model": config["model"] | {"inputs": inputs}, "stages": [stage]}


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attempts]:
    made = Attempts(tmp_path_factory.mktemp("log") / "log.txt")
    yield made
    made.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Returns the train folder of a model with the given inputs; each is trained once."""
    from trainer.train import train

    made: dict[str, Path] = {}

    def make(inputs: str = "image_and_text") -> Path:
        if inputs not in made:
            folder = tmp_path_factory.mktemp(inputs)
            (folder / "config.json").write_text(json.dumps(one_stage(inputs)))
            assert train(folder, [], lambda: False) == 0
            made[inputs] = folder
        return made[inputs]

    return make


@pytest.fixture(scope="session")
def quantized(trained: Make, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Returns the folder of the quantization of such a model; each is done once."""
    from trainer.quantization.job import quantize

    made: dict[str, Path] = {}

    def make(inputs: str = "image_and_text") -> Path:
        if inputs not in made:
            folder = tmp_path_factory.mktemp(f"quantized-{inputs}")
            write_job(folder, trained(inputs), inputs)
            assert quantize(folder, [], lambda: False) == 0
            made[inputs] = folder
        return made[inputs]

    return make


def write_job(folder: Path, run: Path, inputs: str = "image_and_text", **changed: Any) -> None:
    config = one_stage(inputs)
    job = {
        "model": config["model"],
        "quantization": {"calibration_samples": 16, "latency_samples": 10, "qat_steps": 3, "qat_batch_size": 8},
        "task": config["stages"][0]["tasks"][0],
        "checkpoint": str(run / "checkpoints" / "stage-1-step-000012"),
        "num_threads": 1,
    }
    (folder / "config.json").write_text(json.dumps(job | changed))
