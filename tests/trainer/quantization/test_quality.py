"""What a precision's answers are worth: figures that agree with scikit-learn, the noise of its logits, and the samples that flipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from tests.trainer import small
from trainer.config import Sentiment, Source
from trainer.data.picture_cache import PictureCache
from trainer.data.samples import Samples
from trainer.evaluation import stored
from trainer.quantization import flips
from trainer.quantization.quality import quality, signal_to_noise_db

CLASSES = ("negative", "neutral", "positive")


def test_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, whole = rng.integers(0, 3, 200), rng.standard_normal((200, 3))
    logits = whole + 0.5 * rng.standard_normal((200, 3))
    found, said = quality(logits, whole, labels, CLASSES), logits.argmax(1)
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, said))
    assert found["macro_f1"] == pytest.approx(f1_score(labels, said, average="macro"))
    assert list(found["f1_by_class"].values()) == pytest.approx(f1_score(labels, said, average=None).tolist())
    assert found["num_flipped"] == (said != whole.argmax(1)).sum()
    low, high = found["drop_interval"]
    assert low < 100 * (accuracy_score(labels, whole.argmax(1)) - found["accuracy"]) < high


def test_equal_answers_lose_nothing_in_any_resample() -> None:
    logits = np.eye(3)[[0, 1, 2, 0]]
    found = quality(logits, logits, np.array([0, 1, 1, 2]), CLASSES)
    assert (found["drop_interval"], found["snr_db"], found["num_flipped"]) == ([0.0, 0.0], None, 0)


def test_a_tenth_of_the_amplitude_as_noise_is_20_db() -> None:
    whole = np.random.default_rng(1).standard_normal((50, 3))
    assert signal_to_noise_db(whole, 1.1 * whole) == pytest.approx(20)


def test_flipped_samples_are_kept_with_text_truth_both_answers_and_margin(tmp_path: Path) -> None:
    task = Sentiment(sources=(Source(dataset="pairs"),))
    samples = Samples(task, "test", [small.write_pairs(tmp_path / "sets")], None, PictureCache(16))  # type: ignore[arg-type]
    labels = samples.labels(samples.in_order())
    whole = np.eye(2)[labels] * 2.0
    turned = whole.copy()
    turned[1], turned[4] = turned[1][::-1], 0.1 * turned[4][::-1]
    flips.write(tmp_path / flips.FILE, samples, "test", whole, {"bf16": whole, "int8_ptq": turned})
    assert flips.read(tmp_path / flips.FILE, "bf16") == []
    first, second = flips.read(tmp_path / flips.FILE, "int8_ptq")
    assert (first["row"], second["row"]) == (1, 4)  # the more certain first
    texts = samples.rows[0].texts
    assert texts is not None
    assert (first["sample"], first["text"]) == ("pairs/test/1", texts[1])
    assert first["truth"] == first["before"] != first["after"]
    assert first["after_probability"] == first["before_probability"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert first["margin"] == pytest.approx(np.tanh(1))
    assert first["loss"] == pytest.approx(np.log(1 + np.exp(2)))


def test_another_file_is_no_list_of_flipped_samples(tmp_path: Path) -> None:
    stored.write(tmp_path / "x.parquet", {"loss": [1.0]}, {"kind": "classes"})
    with pytest.raises(ValueError, match="holds classes, not flipped samples"):
        flips.read(tmp_path / "x.parquet", "int8_ptq")
