from itertools import groupby

import numpy as np
from django.db import migrations

from dashboard.metrics.packing import ENTRY, pack_cursors, to_points, unpack_cursors, unpack_points
from dashboard.metrics.pyramid import FANOUT, FULL, as_entries, fold

# These functions say what the bytes mean. Whoever changes that copies them here first.

MOST_NOT_FINITE = 200
LONGEST_BEFORE = 120


def forwards(apps, editor):
    """One series at a time, each as a writer would have left it."""
    old, attempts = apps.get_model("metrics", "OldChunk"), dict(apps.get_model("runs", "Attempt").objects.values_list("pk", "job__run_id"))
    for attempt, metric in old.objects.order_by("attempt", "metric").values_list("attempt_id", "metric").distinct():
        rows = old.objects.filter(attempt=attempt, metric=metric).order_by("first_step", "pk")
        points, cursors = [], []
        for row in rows.iterator(chunk_size=200):
            steps, values = np.frombuffer(row.steps, "<u4"), np.frombuffer(row.values, "<f8")
            points.append(to_points(steps, values))
            cursors.append(np.full(len(steps), row.cursor))
        carry(apps, attempts[attempt], attempt, metric, np.concatenate(points), np.concatenate(cursors))


def carry(apps, run, attempt, metric, points, cursors):
    steps, finite = points["step"], np.isfinite(points["value"])
    last = float(points["value"][-1])
    series = apps.get_model("metrics", "Series").objects.create(
        attempt_id=attempt,
        metric=metric,
        num_points=len(points),
        num_not_finite=int((~finite).sum()),
        not_finite=steps[~finite][:MOST_NOT_FINITE].tolist(),
        first_step=int(steps[0]),
        last_step=int(steps[-1]),
        last_value=None if np.isnan(last) else last,
        levels=levels_of(len(points)),
    )
    chunk = apps.get_model("metrics", "Chunk")
    for rows in groups_of(rows_of(points, cursors), 100):
        chunk.objects.bulk_create([chunk(run_id=run, series_id=series.pk, **row) for row in rows])


def levels_of(num_points):
    """For each level the small rows and the entries in them."""
    levels, entries = [], num_points
    while entries:
        rest = entries % FULL
        levels.append([0 if not rest else 1, rest])
        entries = entries // FULL * FULL // FANOUT
    return levels


def rows_of(points, cursors):
    level, entries, first_step = 0, points, int(points["step"][0])
    while len(entries):
        steps = entries["step" if level == 0 else "last_step"]
        for start in range(0, len(entries), FULL):
            part = entries[start : start + FULL]
            begins = first_step if not start else int(steps[start] if level == 0 else steps[start - 1])
            own = cursors[start : start + FULL] if level == 0 else cursors[[0, -1]]
            yield {
                "level": level,
                "is_full": len(part) == FULL,
                "first_point": start * FANOUT**level,
                "first_step": begins,
                "last_step": int(steps[start : start + FULL][-1]),
                "num_entries": len(part),
                "first_cursor": int(own[0]),
                "cursor": int(own[-1]),
                "cursors": pack_cursors(own) if level == 0 else b"",
                "data": part.tobytes(),
            }
        whole = entries[: len(entries) // FULL * FULL]
        entries = fold(as_entries(whole) if level == 0 else whole, FANOUT**level) if len(whole) else np.empty(0, ENTRY)
        level += 1


def groups_of(rows, size):
    for _, group in groupby(enumerate(rows), key=lambda item: item[0] // size):
        yield [row for _, row in group]


def backwards(apps, editor):
    """Each flush is a row again; the names of metrics were shorter."""
    old, chunk = apps.get_model("metrics", "OldChunk"), apps.get_model("metrics", "Chunk")
    found = chunk.objects.filter(level=0).order_by("series", "first_point")
    fields = ("series__attempt_id", "series__metric", "cursor", "cursors", "data")
    for rows in groups_of(old_rows(found.values_list(*fields).iterator(chunk_size=200)), 200):
        old.objects.bulk_create([old(**row) for row in rows])
    chunk.objects.all().delete()
    apps.get_model("metrics", "Series").objects.all().delete()


def old_rows(rows):
    for attempt, metric, newest, packed, data in rows:
        steps, values = unpack_points(data)
        cursors = unpack_cursors(newest, packed, len(steps))
        starts = np.flatnonzero(np.diff(cursors, prepend=-1)).tolist()
        for start, stop in zip(starts, [*starts[1:], len(steps)], strict=True):
            yield {
                "attempt_id": attempt,
                "metric": metric[:LONGEST_BEFORE],
                "cursor": int(cursors[start]),
                "first_step": int(steps[start]),
                "last_step": int(steps[stop - 1]),
                "num_points": stop - start,
                "steps": steps[start:stop].tobytes(),
                "values": values[start:stop].tobytes(),
            }


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0002_rows_under_a_pyramid"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
