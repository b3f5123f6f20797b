"""The numbers a run produced: a head per series, and rows of packed points under a pyramid of their extremes."""

from __future__ import annotations

from django.db import models

from dashboard.runs.models import Attempt, Run


class Series(models.Model):
    """All points of one metric of one attempt. Only the writer of the attempt, which holds its lease, changes them.

    `not_finite` holds the first steps at which the value was no finite number, `last_value` is null for NaN. `levels` has for each
    level of the pyramid the number of its rows that are not full, and of the entries in them.
    """

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="series", db_index=False)
    metric = models.CharField(max_length=500)
    num_points = models.PositiveBigIntegerField(default=0)
    num_not_finite = models.PositiveBigIntegerField(default=0)
    not_finite: models.JSONField[list[int]] = models.JSONField(default=list)
    first_step = models.PositiveIntegerField(default=0)
    last_step = models.PositiveIntegerField(default=0)
    last_value = models.FloatField(null=True)
    levels: models.JSONField[list[list[int]]] = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "metric"], name="one_series_per_metric")]


class Chunk(models.Model):
    """Consecutive entries of one level of a series: points on level 0, above it 16 entries of the level below in one.

    A full row has exactly 4,096 entries, and what stands for them on the level above is there too. So all rows of a level, and the
    rows below it that are not full, cover every point exactly once.
    """

    # The same as the series' run: what was written after a cursor is one range of an index.
    run = models.ForeignKey(Run, models.CASCADE, related_name="+", db_index=False)
    series = models.ForeignKey(Series, models.CASCADE, related_name="chunks", db_index=False)
    level = models.PositiveSmallIntegerField()
    is_full = models.BooleanField()
    # The place of the first point in the series, from 0. Above level 0 `first_step` may be the last step of the row before.
    first_point = models.PositiveBigIntegerField()
    first_step = models.PositiveIntegerField()
    last_step = models.PositiveIntegerField()
    num_entries = models.PositiveIntegerField()
    # The oldest and the newest transaction that wrote its points. `cursors` has all of them on level 0, empty where there is one.
    first_cursor = models.PositiveBigIntegerField()
    cursor = models.PositiveBigIntegerField()
    cursors = models.BinaryField()
    data = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["series", "is_full", "level", "first_step", "last_step"], name="chunks_of_a_level"),
            models.Index(fields=["run", "level", "cursor", "first_cursor"], name="chunks_after_a_cursor"),
        ]
