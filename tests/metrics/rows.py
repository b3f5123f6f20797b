"""What must be true of the rows of a series, whatever was written: each level and what is open below covers every point once."""

from __future__ import annotations

import numpy as np

from dashboard.metrics.models import Chunk, Series
from dashboard.metrics.packing import ENTRY, POINT
from dashboard.metrics.pyramid import FANOUT, FULL


def check_series(series: Series, steps: np.ndarray, values: np.ndarray) -> None:
    series.refresh_from_db()
    rows = list(Chunk.objects.filter(series=series).order_by("level", "first_point"))
    check_head(series, rows, steps, values)
    for level in range(len(series.levels)):
        covering = [row for row in rows if row.level == level or (row.level < level and not row.is_full)]
        check_cover(sorted(covering, key=lambda row: row.first_point), steps, values)


def check_head(series: Series, rows: list[Chunk], steps: np.ndarray, values: np.ndarray) -> None:
    finite = np.isfinite(values)
    assert (series.num_points, series.num_not_finite) == (len(steps), (~finite).sum())
    assert (series.first_step, series.last_step) == (steps[0], steps[-1])
    assert series.not_finite == steps[~finite][:200].tolist()
    assert series.last_value == values[-1] if not np.isnan(values[-1]) else series.last_value is None
    for level, state in enumerate(series.levels):
        small = [row.num_entries for row in rows if row.level == level and not row.is_full]
        assert state == [len(small), sum(small)]


def check_cover(rows: list[Chunk], steps: np.ndarray, values: np.ndarray) -> None:
    at = 0
    for row in rows:
        assert row.first_point == at
        assert row.is_full == (row.num_entries == FULL)
        weight = FANOUT**row.level
        at += row.num_entries * weight
        check_row(row, steps[row.first_point : at], values[row.first_point : at], weight)
    assert at == len(steps)


def check_row(row: Chunk, steps: np.ndarray, values: np.ndarray, weight: int) -> None:
    assert row.last_step == steps[-1]
    assert row.first_step <= steps[0]
    if row.level == 0:
        points = np.frombuffer(row.data, POINT)
        assert row.first_step == steps[0]
        assert points["step"].tolist() == steps.tolist()
        assert np.array_equal(points["value"], values, equal_nan=True)
        return
    entries = np.frombuffer(row.data, ENTRY)
    groups = values.reshape(-1, weight)
    finite = np.isfinite(groups)
    clean = np.where(finite, groups, np.nan)
    assert entries["last_step"].tolist() == steps[weight - 1 :: weight].tolist()
    assert entries["num_not_finite"].tolist() == (~finite).sum(1).tolist()
    assert np.array_equal(entries["minimum"], np.fmin.reduce(clean, axis=1), equal_nan=True)
    assert np.array_equal(entries["maximum"], np.fmax.reduce(clean, axis=1), equal_nan=True)
    means = np.where(finite, groups / np.maximum(finite.sum(1, keepdims=True), 1), 0).sum(1)
    means[~finite.any(1)] = np.nan
    np.testing.assert_allclose(entries["mean"], means, rtol=1e-9, atol=1e-9 * np.nanmax(np.abs(clean), initial=0))
