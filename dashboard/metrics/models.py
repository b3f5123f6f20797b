"""The numbers a run produced, as chunks of packed points."""

from django.db import models

from dashboard.runs.models import Attempt


class Chunk(models.Model):
    """Consecutive points of one metric of one attempt, as one flush wrote them.

    `steps` is little-endian u32, `values` little-endian f64, both `num_points` long; NaN and infinity are kept.
    `cursor` is the run's cursor of the transaction that wrote the chunk.
    """

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="chunks")
    metric = models.CharField(max_length=120)
    cursor = models.PositiveBigIntegerField()
    first_step = models.PositiveIntegerField()
    last_step = models.PositiveIntegerField()
    num_points = models.PositiveIntegerField()
    steps = models.BinaryField()
    values = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["attempt", "metric", "first_step"]), models.Index(fields=["attempt", "cursor"])]
