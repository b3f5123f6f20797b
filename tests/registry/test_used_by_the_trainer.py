"""What was registered, downloaded and unpacked is a model that the trainer takes, and it answers as the run's own did."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from dashboard.runs.models import Quantization, Run, Stage
from tests.cast import Cast
from tests.registry.made import finished, registered
from tests.registry.test_archive import downloaded, unpacked
from tests.runs.finished import folder
from tests.trainer.conftest import Make
from trainer.data.reading import open_dataset
from trainer.predict import analyze_multimodal_sentiment, load

pytestmark = pytest.mark.django_db


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    path.write_bytes(open_dataset("composed-pairs", "test").image(3))
    return path


@pytest.fixture
def run(cast: Cast, trained: Make, quantized: Make) -> Run:
    """Its last stage and its export are those of a real training."""
    run = finished(cast, int8="passed")
    replace(folder(run.stages[2]), trained("image_and_text") / "checkpoints" / "stage-1-step-000012")
    replace(settings.RUNS_DIR / f"{run.pk}/job-4/attempt-1/export", quantized("image_and_text") / "export")
    assert Stage.objects.filter(run=run).count() == 3
    assert Quantization.objects.get(run=run).files["int8"].endswith("export/int8.onnx")
    return run


def replace(path: Path, by: Path) -> None:
    shutil.rmtree(path)
    shutil.copytree(by, path)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_it_answers_as_the_run_did(
    alice: Client, cast: Cast, run: Run, trained: Make, quantized: Make, picture: Path, tmp_path: Path, precision: str
) -> None:
    registered(cast, run, precision=precision)
    model = unpacked(downloaded(alice), tmp_path) / "model"
    own = load(trained("image_and_text")) if precision == "fp32" else load(quantized("image_and_text"), "int8")
    said = analyze_multimodal_sentiment(picture, "so good", load(model, precision))
    assert said == analyze_multimodal_sentiment(picture, "so good", own)
