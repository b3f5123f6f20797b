"""Figures of a classifier are those that scikit-learn finds on the stored predictions; the calibration error is one counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from tests.trainer.evaluation import made
from trainer.evaluation import classification, predictions, stored
from trainer.evaluation.bootstrap import Bootstrap
from trainer.evaluation.calibration import reliability

FEW = Bootstrap(num_resamples=50)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_figures_equal_those_of_scikit_learn_on_the_stored_predictions(seed: int, tmp_path: Path) -> None:
    predictions.write(tmp_path / "p.parquet", made.predictions(seed=seed))
    columns, notes = stored.read(tmp_path / "p.parquet")
    truth, said, names = columns["label"], columns["predicted"], notes["classes"]
    found = classification.figures(predictions.read(tmp_path / "p.parquet"), FEW)
    settings = {"labels": names, "zero_division": 0}
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, said))
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(truth, said, average="macro", **settings))
    assert found["weighted_f1"] == pytest.approx(metrics.f1_score(truth, said, average="weighted", **settings))
    assert found["loss"] == pytest.approx(metrics.log_loss(truth, np.array(columns["probabilities"]), labels=names))
    assert found["confusion"] == metrics.confusion_matrix(truth, said, labels=names).tolist()
    by_class = metrics.precision_recall_fscore_support(truth, said, **settings)
    for number, name in enumerate(("precision", "recall", "f1", "support")):
        assert [row[name] for row in found["classes"]] == pytest.approx(by_class[number].tolist())


def test_a_class_that_nobody_names_counts_nothing_and_divides_by_nothing() -> None:
    found = classification.figures(made.predictions(num_classes=5, right=50), FEW)
    assert found["accuracy"] == 1
    assert [row["f1"] for row in found["classes"]] == [1, 1, 1, 1, 0]
    assert found["macro_f1"] == pytest.approx(4 / 5)


def test_the_calibration_error_is_the_one_counted_by_hand() -> None:
    # Bins of 1/15: 0.95 lies in the last, 0.70 in (10/15, 11/15], 0.60 on the upper edge of (8/15, 9/15].
    sure = np.array([0.95, 0.95, 0.95, 0.95, 0.70, 0.70, 0.60, 0.60])
    labels = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    found = reliability(np.stack([sure, 1 - sure], axis=1), labels)
    by_hand = (4 * abs(3 / 4 - 0.95) + 2 * abs(1 / 2 - 0.70) + 2 * abs(0 - 0.60)) / 8
    assert found.error == pytest.approx(by_hand)
    assert found.num_samples.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4]
    assert found.accuracy[[8, 10, 14]].tolist() == [0, 0.5, 0.75]


def test_a_probability_of_one_and_a_tie_of_two_have_a_bin() -> None:
    found = reliability(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 0]))
    assert (found.num_samples[14], found.num_samples[7]) == (1, 1)
    assert found.error == pytest.approx(0.25)


def test_a_model_that_means_what_it_says_has_next_to_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 200_000)
    labels = (rng.random(200_000) > sure).astype(np.int64)
    # Each of 8 bins holds some 25,000 samples, whose share of right ones has a deviation of at most 0.0032.
    assert reliability(np.stack([sure, 1 - sure], axis=1), labels).error < 0.01


def test_slices_hold_every_sample_once_and_say_where_it_is_wrong() -> None:
    said = made.predictions(right=50)
    short = np.array([each.num_words == 0 for each in said.facts])
    said.probabilities[short] = np.roll(said.probabilities[short], 1, axis=1)
    found = classification.figures(said, FEW)["slices"]
    for by in ("class", "text_words", "picture_kind", "picture_side"):
        assert sum(row["num_samples"] for row in found if row["by"] == by) == 200
    by_words = {row["value"]: row for row in found if row["by"] == "text_words"}
    assert list(by_words) == ["0", "1-4", "5-8", "9-16"]
    assert [row["accuracy"] for row in by_words.values()] == [0, 1, 1, 1]
    assert by_words["0"]["accuracy_interval"][1] < 0.2
    assert [row["value"] for row in found if row["by"] == "picture_kind"] == ["JPEG RGB", "PNG RGB"]
    assert [row["value"] for row in found if row["by"] == "picture_side"] == ["1-64", "65-128", "129-256"]
