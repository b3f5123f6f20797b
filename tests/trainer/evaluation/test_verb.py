"""`python -m trainer evaluate`: which checkpoint, which data, where the figures go, and what is refused by name."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
from sklearn import metrics

from tests.trainer import small
from tests.trainer.conftest import Make
from tests.trainer.test_verbs import BAD_INPUT, DONE, trainer
from trainer import checkpoint
from trainer.__main__ import main
from trainer.data.reading import open_dataset
from trainer.data.writing import Sample, write_dataset
from trainer.evaluation import predictions
from trainer.manifest import MANIFEST, Damaged, write_manifest
from trainer.testing import evaluate_folder

CHECKPOINT = "stage-1-step-000012"


@pytest.fixture
def folder(trained: Make, tmp_path: Path) -> Path:
    """A copy of a train folder, to be damaged."""
    shutil.copytree(trained("image_and_text") / "checkpoints", tmp_path / "run" / "checkpoints")
    return tmp_path / "run"


def test_figures_and_samples_lie_side_by_side_and_agree(folder: Path, tmp_path: Path) -> None:
    done = trainer("evaluate", folder, "--to", tmp_path / "told", "--json", "--split", "validation")
    assert done.returncode == DONE, done.stderr
    printed, kept = json.loads(done.stdout), json.loads((tmp_path / "told" / "evaluation.json").read_text())
    assert kept == {**printed, "predictions": "predictions.parquet"}
    said = predictions.read(tmp_path / "told" / "predictions.parquet")
    assert kept["validation/accuracy"] == pytest.approx(metrics.accuracy_score(said.labels, said.predicted))
    assert kept["classification"]["macro_f1"] == pytest.approx(kept["validation/macro_f1"])
    assert kept["datasets"][0]["fingerprint"]
    assert all(each.width and each.num_words for each in said.facts)


def test_the_summary_has_the_figures_it_always_had_and_a_few_more(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder), "--checkpoint", CHECKPOINT]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["checkpoint"], told["split"]) == (CHECKPOINT, "test")
    assert {"test/loss", "test/accuracy", "test/macro_f1", "test/f1/positive", "test/weighted_f1"} <= set(told)
    low, high = told["test/accuracy/interval"]
    assert low <= told["test/accuracy"] <= high
    assert "test/expected_calibration_error" in told


def test_a_data_set_with_the_same_classes_in_another_order_gives_the_same_answers(folder: Path, tmp_path: Path) -> None:
    rows = open_dataset("natural-pairs", "test")
    assert rows.texts is not None
    assert rows.labels is not None
    turned = list(reversed(rows.card.classes))
    samples = [Sample(rows.image(row), rows.texts[row], turned.index(rows.card.classes[rows.labels[row]])) for row in range(len(rows))]
    write_dataset(tmp_path / "data" / "turned", {"test": samples}, ("image", "text", "label"), title="turned", classes=turned)
    own = evaluate_folder(folder, "test", [], dataset="natural-pairs")
    other = evaluate_folder(folder, "test", [tmp_path / "data"], dataset="turned")
    assert other["classification"]["confusion"] == own["classification"]["confusion"]
    assert other["test/loss"] == pytest.approx(own["test/loss"])


def test_a_class_that_the_model_does_not_know_is_named(folder: Path, tmp_path: Path) -> None:
    small.write_pairs(tmp_path / "data")
    with pytest.raises(ValueError, match="pairs has the class 'down'; the model tells apart"):
        evaluate_folder(folder, "test", [tmp_path / "data"], dataset="pairs")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--dataset", "equations"), "--dataset: equations has the columns problem, solution"),
        (("--dataset", "imagenet"), "there is no data set 'imagenet'"),
        (("--checkpoint", "stage-9-step-000001"), "--checkpoint: there is no checkpoint stage-9-step-000001"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(
    words: tuple[str, str], sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(folder), *words]) == BAD_INPUT
    told = capsys.readouterr().err
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_one_byte_of_a_checkpoint_is_enough_to_refuse_it_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "checkpoints" / CHECKPOINT / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert main(["evaluate", str(folder)]) == BAD_INPUT
    assert capsys.readouterr().err == f"{CHECKPOINT}: model.safetensors is not what was saved\n"


class Exploit:
    """What a pickle can do when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt"])
def test_a_pickle_in_place_of_safetensors_is_refused_by_name_and_never_read(name: str, folder: Path, tmp_path: Path) -> None:
    """Even where the manifest was made for it."""
    target, marker = folder / "checkpoints" / CHECKPOINT, tmp_path / "executed"
    (target / "model.safetensors").unlink()
    (target / name).write_bytes(pickle.dumps(Exploit(marker)))
    (target / MANIFEST).unlink()
    write_manifest(target)
    with pytest.raises(Damaged, match=rf"{CHECKPOINT}: model\.safetensors is no safetensors file"):
        evaluate_folder(folder, "test", [])
    assert not marker.exists()


def test_a_model_that_looks_at_pictures_alone_has_no_modality_to_leave_out(trained: Make) -> None:
    found = evaluate_folder(checkpoint.newest(trained("image")), "test", [])
    assert found["classification"]["modalities"] is None
