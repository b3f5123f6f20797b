"""Models by name, their versions, the aliases that point at versions, and what was changed by whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models

from dashboard.accounts.models import Project, User
from dashboard.runs.models import Run

MAX_NAME = 64
MAX_ALIAS = 40
MAX_REASON = 500
# They stand in addresses and in names of files. An alias begins with a letter: a number is a version's.
NAME = r"^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$"
ALIAS = r"^[a-z][a-z0-9_-]*$"
FP32 = "fp32"
CANDIDATE, PRODUCTION = "candidate", "production"


class RegisteredModel(models.Model):
    """A name under which a project keeps versions. `last_number` only grows: the number of a deleted version is not given again."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="registered_models")
    name = models.CharField(max_length=MAX_NAME)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+")
    last_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_model_per_name")]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A kept checkpoint, or its twin in another precision: files that never change, and all that is known about where they come from.

    `run` is empty once the run is deleted: `lineage` goes on telling of it. `digest` is the SHA-256 of the whole archive.
    """

    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="versions")
    stage_index = models.PositiveSmallIntegerField()
    precision = models.CharField(max_length=20)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+")
    place = models.CharField(max_length=40)
    files: models.JSONField[dict[str, dict[str, Any]]] = models.JSONField()
    size_bytes = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    archive_bytes = models.PositiveBigIntegerField()
    metrics: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    gate: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    lineage: models.JSONField[dict[str, Any]] = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["model", "-number"]
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"

    @property
    def folder(self) -> Path:
        return settings.MODELS_DIR / self.place


class Alias(models.Model):
    """A name that points at one version, and is moved: `production`, `candidate`, or one's own."""

    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=MAX_ALIAS)
    version = models.ForeignKey(Version, models.RESTRICT, related_name="aliases")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="one_version_per_alias")]

    def __str__(self) -> str:
        return self.name


class Kind(models.TextChoices):
    REGISTERED = "registered"
    SET = "alias_set"
    REMOVED = "alias_removed"
    DELETED = "version_deleted"


class Change(models.Model):
    """A line of the audit trail; written once. Versions stand in it by number: it outlives them. `verdict` is what the gate said."""

    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=20, choices=Kind)
    alias = models.CharField(max_length=MAX_ALIAS, blank=True)
    from_number = models.PositiveIntegerField(null=True)
    to_number = models.PositiveIntegerField(null=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=MAX_REASON, blank=True)
    verdict = models.CharField(max_length=300, blank=True)
    is_override = models.BooleanField(default=False)

    class Meta:
        ordering = ["-pk"]
