"""A frame read back is the update it was made of, whatever its numbers and names."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.frames import HEADER, decode, encode, padded
from dashboard.live.messages import Points, Update

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FACTS = st.dictionaries(NAMES, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NAMES, max_size=3)


@st.composite
def points(draw: st.DrawFn) -> Points:
    count = draw(st.integers(0, 20))
    steps = draw(st.lists(st.integers(0, 2**32 - 1), min_size=count, max_size=count))
    values = draw(st.lists(st.floats(), min_size=count, max_size=count))
    return Points(draw(st.integers(1, 99)), draw(st.integers(1, 99)), draw(NAMES), np.array(steps, "<u4"), np.array(values, "<f8"))


@st.composite
def updates(draw: st.DrawFn) -> Update:
    events = draw(st.lists(st.fixed_dictionaries({"kind": NAMES, "step": st.none() | st.integers(0, 9), "data": FACTS}), max_size=3))
    log = draw(st.lists(st.fixed_dictionaries({"stage": st.integers(1, 9), "attempt": st.integers(1, 9), "text": NAMES}), max_size=2))
    given_points = draw(st.lists(points(), max_size=4))
    progress: Any = draw(st.none() | st.just({"stage": 1, "last_step": 7}))
    cursor, at = draw(st.integers(1, 2**63 - 1)), draw(st.floats(0, 1e10))
    return Update(3, cursor, at, points=given_points, events=events, log=log, progress=progress)


def plain(update: Update) -> dict[str, Any]:
    """What compares equal where NaN is in the same places."""
    told = [(each.stage, each.attempt, each.metric, each.steps.tolist(), each.values.tobytes()) for each in update.points]
    return {**update.body(), "run": update.run_id, "cursor": update.cursor, "at": update.at, "points": told}


@given(st.lists(updates(), max_size=4))
def test_frames_one_behind_the_other_are_read_back_as_they_were(given_updates: list[Update]) -> None:
    data = b"".join(map(encode, given_updates))
    assert len(data) % 8 == 0
    assert [plain(update) for update in decode(data, 3)] == [plain(update) for update in given_updates]


@given(updates())
def test_the_json_form_says_the_same(update: Update) -> None:
    document = json.loads(update.to_json())
    (again,) = decode(encode(update))
    assert json.loads(again.to_json()) == document
    assert document["type"] == "update"


@given(st.binary(max_size=100))
def test_anything_else_is_refused(data: bytes) -> None:
    if data:
        with pytest.raises(ValueError, match="frame"):
            decode(data)


def test_a_frame_lies_in_memory_as_it_is_described() -> None:
    update = Update(1, 12, 5.5, points=[Points(1, 2, "loss", np.array([7, 8, 9]), np.array([0.5, math.nan, 1e300]))])
    frame = encode(update)
    magic, version, size, num_bytes, cursor, at = struct.unpack_from("<4sB3xIIQd", frame)
    assert (magic, version, size, cursor, at) == (b"ANNF", 1, len(frame), 12, 5.5)
    assert json.loads(frame[32 : 32 + num_bytes]) == {"points": [{"stage": 1, "attempt": 2, "metric": "loss", "count": 3}]}
    start = HEADER.size + padded(num_bytes)
    assert frame[start : start + 24] == struct.pack("<3d", 0.5, math.nan, 1e300)
    assert frame[start + 24 :] == struct.pack("<3I4x", 7, 8, 9)


def test_a_frame_that_is_cut_off_is_refused() -> None:
    frame = encode(Update(1, 1, points=[Points(1, 1, "loss", np.arange(9), np.arange(9.0))]))
    with pytest.raises(ValueError, match="cut off"):
        decode(frame[:-8])
