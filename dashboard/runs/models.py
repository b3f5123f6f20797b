"""Runs and the jobs they are made of. A job is what a worker claims: a stage to train, an evaluation, a quantization."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dashboard.accounts.models import Project, User
from dashboard.fleet.models import Worker
from dashboard.live.messages import Moment

MAX_NAME = 80


class Status(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    LOST = "lost", _("Lost")
    SKIPPED = "skipped", _("Skipped")
    REUSED = "reused", _("Reused")


HELD = (Status.RUNNING, Status.STOPPING)
ACTIVE = (Status.QUEUED, Status.RUNNING, Status.STOPPING, Status.LOST)
ENDED = (Status.COMPLETED, Status.STOPPED, Status.FAILED)
# A job in one of these needs no worker any more, and what comes after it may start.
DONE = (Status.COMPLETED, Status.SKIPPED, Status.REUSED)


class Kind(models.TextChoices):
    STAGE = "stage", _("Stage")
    EVALUATION = "evaluation", _("Evaluation")
    QUANTIZATION = "quantization", _("Quantization")
    LOAD_TEST = "load_test", _("Load test")


class Run(models.Model):
    """A submitted config and what became of it. `cursor` counts the transactions that changed what its page shows."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=MAX_NAME)
    owner = models.ForeignKey(User, models.PROTECT, related_name="runs")
    recipe = models.CharField(max_length=80, blank=True)
    config: models.JSONField[dict[str, Any]] = models.JSONField()
    forked_from = models.ForeignKey("self", models.SET_NULL, null=True, related_name="forks")
    forked_stage = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    cursor = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # From then on nobody sees it; its rows go in pieces.
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_number_per_project")]
        # Lists count and page through these; a row itself is long, because of its config.
        indexes = [
            models.Index(fields=["project", "deleted_at", "status"], name="runs_of_a_project"),
            models.Index(fields=["status"], name="runs_by_status"),
            models.Index(fields=["ended_at"], name="runs_by_end"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def stages(self) -> models.QuerySet[Stage]:
        return Stage.objects.filter(run=self).order_by("index")

    @property
    def folder(self) -> Path:
        return settings.RUNS_DIR / str(self.pk)


class Job(models.Model):
    """One piece of work for a worker. `token` is the number of its newest attempt and fences off the older ones.

    What is `aside` is done beside the run's own work: how it goes changes nothing about the run. `progress` is what its attempt
    says of itself: `what`, and `done` of `total` where that can be counted.
    """

    OF_KIND: ClassVar[Kind | None] = None

    run = models.ForeignKey(Run, models.CASCADE, related_name="jobs")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.STAGE)
    aside = models.BooleanField(default=False)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    status = models.CharField(max_length=20, choices=Status, default=Status.WAITING)
    token = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    progress: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["run", "position"]
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="one_job_per_position")]
        indexes = [models.Index(fields=["status", "queued_at"], name="jobs_by_status")]

    def save(self, *args: Any, **options: Any) -> None:
        self.kind = self.OF_KIND or self.kind
        super().save(*args, **options)


class Stage(Job):
    """A job that trains one stage of the run, or a stage that another run has trained already.

    `key` stands for everything that decides its weights; `inputs` are those of it that may change behind the run's back.
    """

    OF_KIND = Kind.STAGE

    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=40)
    num_steps = models.PositiveIntegerField()
    last_step = models.PositiveIntegerField(default=0)
    num_parameters = models.PositiveBigIntegerField(null=True)
    num_trainable = models.PositiveBigIntegerField(null=True)
    device = models.CharField(max_length=80, blank=True)
    checkpoint = models.CharField(max_length=300, blank=True)
    results: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    key = models.CharField(max_length=64, blank=True, db_index=True)
    inputs: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    # Always the stage that did the training, never one that was reused itself.
    reused_from = models.ForeignKey("self", models.RESTRICT, null=True, related_name="reused_by")
    ledger: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list)
    expert_loads: models.JSONField[list[list[float]]] = models.JSONField(default=list)
    watched: models.JSONField[dict[str, dict[str, Any]]] = models.JSONField(default=dict)

    @property
    def trained_by(self) -> int:
        """The job whose attempts made this stage's points."""
        return self.reused_from_id or self.pk

    @property
    def config(self) -> dict[str, Any]:
        stage: dict[str, Any] = self.run.config["stages"][self.index - 1]
        return stage


class Evaluation(Job):
    """What a checkpoint is worth on a split of a data set (the stage's own where none is named).

    `of_stage` is whose checkpoint it is; `checkpoint` names an earlier one than its last, relative to the folder of all runs. `figures`
    is `evaluation.json` as the trainer wrote it, `samples` the file of what was said of every sample, relative to the same folder.
    """

    OF_KIND = Kind.EVALUATION

    of_stage = models.ForeignKey(Stage, models.CASCADE, related_name="evaluations")
    checkpoint = models.CharField(max_length=300, blank=True)
    dataset = models.CharField(max_length=80, blank=True)
    split = models.CharField(max_length=20)
    figures: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    samples = models.CharField(max_length=300, blank=True)


class Quantization(Job):
    """INT8 of the run's last checkpoint, made in several ways: the measured rows of the comparison, and what the export gate says of it.

    `gate` is `trainer.quantization.gate.Gate` as JSON, empty until all is measured; `flipped` is the file of the samples whose answer a
    precision flipped. Paths are relative to the folder of all runs.
    """

    OF_KIND = Kind.QUANTIZATION

    rows: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list)
    files: models.JSONField[dict[str, str]] = models.JSONField(default=dict)
    gate: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    flipped = models.CharField(max_length=300, blank=True)


class LoadTest(Job):
    """A model served by Triton and measured under load.

    `asked` is the trainer's LoadTestJob without the export it is of; `rows` are the deployment table, `server` says what served.
    `repository` is the model repository as it was served, relative to the folder of all runs.
    """

    OF_KIND = Kind.LOAD_TEST

    asked: models.JSONField[dict[str, Any]] = models.JSONField()
    rows: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list)
    server: models.JSONField[dict[str, str]] = models.JSONField(default=dict)
    repository = models.CharField(max_length=300, blank=True)


class Attempt(models.Model):
    """One try of a job by one worker, in a folder of its own. Whoever holds the lease may write; it runs by the database's clock."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.ForeignKey(Worker, models.SET_NULL, null=True, related_name="attempts")
    lease_until = models.DateTimeField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    error = models.TextField(blank=True)
    events_offset = models.PositiveBigIntegerField(default=0)
    log_offset = models.PositiveBigIntegerField(default=0)
    first_step = models.PositiveIntegerField(null=True)
    last_step = models.PositiveIntegerField(null=True)
    last_point_at = models.DateTimeField(null=True)
    checkpoint = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["job", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_attempt_per_number")]
        indexes = [models.Index(fields=["ended_at", "lease_until"], name="attempts_by_lease")]

    @property
    def folder(self) -> Path:
        return self.job.run.folder / f"job-{self.job.position}" / f"attempt-{self.number}"


class Event(models.Model):
    """A moment on the run's time line: a checkpoint, an evaluation, a resume, a failure."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    attempt = models.ForeignKey(Attempt, models.CASCADE, null=True, related_name="events")
    cursor = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=20)
    step = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()
    data: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)

    class Meta:
        ordering = ["cursor", "id"]
        indexes = [models.Index(fields=["run", "cursor"])]

    def to_moment(self) -> Moment:
        """Stage and attempt are 0 for an event of the run itself."""
        stage, number = (self.attempt.job.position, self.attempt.number) if self.attempt else (0, 0)
        return {"stage": stage, "attempt": number, "kind": self.kind, "step": self.step, "at": self.at.timestamp(), "data": self.data}


class LogChunk(models.Model):
    """A piece of what an attempt printed."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="log_chunks")
    cursor = models.PositiveBigIntegerField()
    text = models.TextField()

    class Meta:
        ordering = ["cursor", "id"]
        indexes = [models.Index(fields=["attempt", "cursor"])]
