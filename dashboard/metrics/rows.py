"""Fetches the rows that a reading needs, in two queries however many series: how much lies in the windows, and the rows themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Count, IntegerField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from dashboard.metrics.models import Chunk
from dashboard.metrics.parts import BEGINNING, END, Part
from dashboard.metrics.pyramid import FULL

# A statement of so many parts is as long as SQLite takes it.
MOST_TERMS = 300


class Window(NamedTuple):
    """The points of a series from `low` to `high`, where no finer than the level is needed but at the edges."""

    series: int
    low: int
    high: int
    level: int = 0


class Row(NamedTuple):
    level: int
    is_full: bool
    first_point: int
    first_step: int
    data: bytes


def window_of(part: Part, level: int = 0) -> Window:
    """Series that are read whole share their statement."""
    if part.is_whole:
        return Window(part.head.pk, BEGINNING, END, level)
    return Window(part.head.pk, max(part.low, BEGINNING), min(part.high, END), level)


def bounds(parts: Iterable[Part]) -> dict[Window, tuple[int, int]]:
    """Returns between which numbers of points lie in the window of each part: rows are counted, not opened."""
    parts = list(parts)
    found = {window_of(part): (part.head.num_points, part.head.num_points) for part in parts if part.is_whole}
    cut = {window_of(part) for part in parts} - found.keys()
    found |= dict.fromkeys(cut, (0, 0))
    terms = [term for low, high, _, series, place in grouped(cut) for term in counting(series, low, high, place)]
    groups = {place: (low, high) for low, high, _, _, place in grouped(cut)}
    for place, series, number in united(terms):
        window = Window(series, *groups[place])
        least, most = found[window]
        most += number
        found[window] = (max(most - 2 * (FULL - 1), least, 0), most)
    return found


def counting(series: Sequence[int], low: int, high: int, place: int) -> list[QuerySet[Chunk, tuple[Any, ...]]]:
    """Full rows are counted in the index alone."""
    rows = Chunk.objects.filter(overlapping(low, high), series__in=series, level=0)
    group, none = {"group": Value(place, IntegerField())}, Value(0)
    full = rows.filter(is_full=True).values("series_id").annotate(**group, number=Count("pk") * FULL)
    small = rows.filter(is_full=False).values("series_id").annotate(**group, number=Coalesce(Sum("num_entries"), none))
    return [each.values_list("group", "series_id", "number") for each in (full, small)]


def rows_in(windows: Iterable[Window]) -> dict[Window, list[Row]]:
    """Returns the rows of each window in the order of their points."""
    groups = list(grouped(set(windows)))
    keys = {place: (low, high, level) for low, high, level, _, place in groups}
    terms = [term for low, high, level, series, place in groups for term in fetching(Window(0, low, high, level), series, place)]
    found: dict[Window, list[Row]] = defaultdict(list)
    for place, series, *row in united(terms):
        found[Window(series, *keys[place])].append(Row(*row))
    for rows in found.values():
        rows.sort(key=lambda row: row.first_point)
    return found


def fetching(window: Window, series: Sequence[int], place: int) -> Iterator[QuerySet[Chunk, tuple[Any, ...]]]:
    """Full rows of the level, rows below it that are not full, and those full ones below it in which the window begins or ends."""
    _, low, high, level = window
    rows = Chunk.objects.filter(series__in=series).annotate(group=Value(place, IntegerField()))
    fields = ("group", "series_id", "level", "is_full", "first_point", "first_step", "data")
    yield rows.filter(overlapping(low, high), is_full=True, level=level).values_list(*fields)
    yield rows.filter(overlapping(low, high), is_full=False, level__in=range(level + 1)).values_list(*fields)
    if level and (low, high) != (BEGINNING, END):
        # The last steps outside the window and inside it: a row that has points on both sides of one is opened.
        begins, ends = straddling(low - 1), straddling(high)
        yield rows.filter(begins | ends, is_full=True, level__in=range(level)).values_list(*fields)


def overlapping(low: int, high: int) -> Q:
    limits = {}
    if low > BEGINNING:
        limits["last_step__gte"] = low
    if high < END:
        limits["first_step__lte"] = high
    return Q(**limits)


def straddling(step: int) -> Q:
    return Q(first_step__lte=step, last_step__gt=step)


def grouped(windows: Iterable[Window]) -> Iterator[tuple[int, int, int, list[int], int]]:
    """The series that have limits and level in common, with the number of the group."""
    groups: Mapping[tuple[int, int, int], list[int]] = defaultdict(list)
    for window in sorted(windows):
        groups[window[1:]].append(window.series)
    for place, ((low, high, level), series) in enumerate(sorted(groups.items())):
        yield low, high, level, series, place


def united(terms: Sequence[QuerySet[Chunk, tuple[Any, ...]]]) -> Iterator[tuple[Any, ...]]:
    """The rows of all terms, in as few statements as there may be."""
    for start in range(0, len(terms), MOST_TERMS):
        first, *others = terms[start : start + MOST_TERMS]
        yield from first.union(*others, all=True) if others else first
