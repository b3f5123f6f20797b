"""The modality check, on sets in which one modality alone carries the label."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.trainer import small
from trainer.data.writing import Sample, write_dataset
from trainer.evaluation.classifying import partners_of
from trainer.testing import evaluate_folder
from trainer.train import train

NUM_TRAIN, NUM_TEST = 160, 60


def plain(brightness: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (brightness,) * 3).save(file, "PNG")
    return file.getvalue()


def sample(rng: np.random.Generator, carrier: str) -> Sample:
    """Whichever does not carry the label is drawn by itself."""
    label, chance = (int(number) for number in rng.integers(0, 2, 2))
    bright, glad = (label, chance) if carrier == "image" else (chance, label)
    return Sample(plain(int(rng.integers(150, 250) if bright else rng.integers(5, 105))), ("sad day", "glad day")[glad], label)


@pytest.fixture(scope="module", params=["image", "text"])
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """Returns the carrier and the figures of a model that was trained on it."""
    root, rng = tmp_path_factory.mktemp(request.param), np.random.default_rng(7)
    sizes = {"train": NUM_TRAIN, "validation": 6, "test": NUM_TEST}
    splits = {split: [sample(rng, request.param) for _ in range(size)] for split, size in sizes.items()}
    write_dataset(root / "data" / "pairs", splits, ("image", "text", "label"), title="pairs", classes=["down", "up"])
    schedule = {"peak_rate": 5e-3}
    job = small.job(steps=120, batch_size=16, validation_interval=120, checkpoint_interval=120, schedule=schedule)
    (root / "config.json").write_text(json.dumps(job))
    assert train(root, [root / "data"], lambda: False) == 0
    return request.param, evaluate_folder(root, "test", [root / "data"])["classification"]


def test_only_the_carrier_contributes(checked: tuple[str, dict[str, Any]]) -> None:
    carrier, found = checked
    idle = {"image": "text", "text": "image"}[carrier]
    told = found["modalities"]["contribution"]
    assert found["accuracy"] > 0.95
    # Without it, or with another sample's, what is left is chance: 0.5, with a deviation of 0.065 over 60 samples.
    assert all(0.25 < value < 0.75 for value in told[carrier].values()), told
    assert all(abs(value) < 0.1 for value in told[idle].values()), told


def test_the_check_says_how_a_modality_is_left_out_and_how_sure_it_is(checked: tuple[str, dict[str, Any]]) -> None:
    views = {row["view"]: row for row in checked[1]["modalities"]["views"]}
    assert list(views) == ["as_it_is", "image_only", "text_only", "shuffled_image", "shuffled_text"]
    assert "no words" in views["image_only"]["how"]
    assert "mean colour" in views["text_only"]["how"]
    assert views["as_it_is"]["accuracy"] == checked[1]["accuracy"]
    for row in views.values():
        low, high = row["intervals"]["accuracy"]
        assert low <= row["accuracy"] <= high


@pytest.mark.parametrize("count", [2, 3, 50])
def test_every_sample_has_another_one_as_its_partner_and_is_one_once(count: int) -> None:
    order = [(0, row) for row in range(count)]
    partners = partners_of(order, 3)
    assert sorted(partners) == order
    assert all(one != other for one, other in zip(order, partners, strict=True))
