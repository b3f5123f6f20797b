"""What people chose to keep of the playground: answers, what they said of them, and the examples that follow a training."""

from __future__ import annotations

from typing import Any

from django.db import models

from dashboard.accounts.models import Project, User
from dashboard.runs.models import Run, Stage

# Of each person, and of each project.
MAX_KEPT = 200
MAX_JUDGEMENTS = 5000
MAX_PROBES = 24
MAX_CLASS = 80


class Kept(models.Model):
    """A question with its answers, which a person chose to keep; nobody else sees it. `picture` is small, and empty without one."""

    user = models.ForeignKey(User, models.CASCADE, related_name="kept_answers")
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(blank=True)
    picture = models.BinaryField(blank=True)
    answers: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]


class Judgement(models.Model):
    """A person's word on an answer: `label` is the class that is right, `said` what the model answered."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="judgements")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="judgements")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="judgements")
    at = models.DateTimeField(auto_now_add=True)
    weights = models.CharField(max_length=80)
    text = models.TextField(blank=True)
    picture = models.BinaryField(blank=True)
    said = models.CharField(max_length=MAX_CLASS)
    label = models.CharField(max_length=MAX_CLASS)

    class Meta:
        ordering = ["id"]


class Probe(models.Model):
    """An example of the project's probe set: it is scored at every checkpoint."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="probes")
    added_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="probes")
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(blank=True)
    picture = models.BinaryField(blank=True)

    class Meta:
        ordering = ["id"]


class Score(models.Model):
    """The probabilities that a checkpoint gives a probe."""

    probe = models.ForeignKey(Probe, models.CASCADE, related_name="scores")
    stage = models.ForeignKey(Stage, models.CASCADE, related_name="scores")
    step = models.PositiveIntegerField()
    probabilities: models.JSONField[dict[str, float]] = models.JSONField()

    class Meta:
        ordering = ["stage__position", "step"]
        constraints = [models.UniqueConstraint(fields=["probe", "stage", "step"], name="one_score_per_checkpoint")]
