"""The cache of decoded pictures holds what fits, and no training can tell."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer import small
from trainer.data import picture_cache
from trainer.data.picture_cache import PictureCache
from trainer.data.pictures import decode
from trainer.families import image_text

SIDE = 8
PICTURES = [small.picture(seed) for seed in range(4)]
# Room for two: the bytes as they lie in the data set, and a byte a pixel and colour.
ROOM = len(PICTURES[0]) + len(PICTURES[1]) + 2 * 3 * SIDE**2


@pytest.fixture
def num_decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Grows by each picture that is decoded."""
    seen: list[bytes] = []

    def counted(data: bytes, side: int) -> np.ndarray:
        seen.append(data)
        return decode(data, side)

    monkeypatch.setattr(picture_cache, "decode", counted)
    return seen


def test_a_picture_is_decoded_once_while_there_is_room(num_decoded: list[bytes]) -> None:
    cache = PictureCache(SIDE)
    for _ in range(3):
        for data in PICTURES:
            assert np.array_equal(cache.decoded(bytes(bytearray(data))), decode(data, SIDE))
    assert num_decoded == PICTURES


def test_no_more_is_kept_than_the_bound_says(num_decoded: list[bytes]) -> None:
    cache = PictureCache(SIDE, ROOM)
    for _ in range(3):
        for data in PICTURES:
            assert np.array_equal(cache.decoded(data), decode(data, SIDE))
    assert cache.num_bytes == ROOM
    assert num_decoded == PICTURES + 2 * PICTURES[2:]


def test_a_byte_too_little_is_no_room(num_decoded: list[bytes]) -> None:
    cache = PictureCache(SIDE, ROOM - 1)
    for data in PICTURES[:2] * 2:
        cache.decoded(data)
    assert num_decoded == [PICTURES[0], PICTURES[1], PICTURES[1]]


def test_what_is_kept_changes_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_decoded: list[bytes]) -> None:
    small.write_pairs(tmp_path)
    ends, counts = [], []
    for max_bytes in (2**20, 3000, 0):
        num_decoded.clear()
        monkeypatch.setattr(image_text, "PictureCache", partial(PictureCache, max_bytes=max_bytes))
        made = small.training(tmp_path)
        for _ in range(8):
            made.train_step()
        ends.append(made.network.state_dict())
        counts.append(len(num_decoded))
    assert counts[0] == 14 < counts[1] < counts[2] == 8 * 4
    assert all(torch.equal(tensor, end[name]) for end in ends[1:] for name, tensor in ends[0].items())


def test_the_tasks_and_splits_of_a_stage_share_one(tmp_path: Path) -> None:
    made = small.training(small.write_pairs(tmp_path), small.task("sentiment"), small.task("image_classification"))
    assert isinstance(made.learner, image_text.ImageTextLearner)
    assert len({id(samples.cache) for each in made.learner.samples.values() for samples in each.values()}) == 1
