"""What an evaluation can be asked about: checkpoints of a run, and the data sets that fit its stages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.conf import settings
from django.utils.translation import gettext as _

from dashboard.accounts.models import User
from dashboard.datasets.samples import SPLITS
from dashboard.runs import lifecycle
from dashboard.runs.models import DONE, Evaluation, Event, Job, Run, Stage
from trainer import catalog
from trainer.problems import can_be_asked


class Refused(ValueError):
    """What was asked for is not there; the sentence names it."""


@dataclass(frozen=True)
class Checkpoint:
    """`path` is relative to the folder of all runs; the last one of its stage is asked for by an empty path."""

    stage: Stage
    path: str
    step: int
    is_last: bool

    @property
    def key(self) -> str:
        """What the form sends: the stage's index, and the name of an earlier checkpoint."""
        return str(self.stage.index) if self.is_last else f"{self.stage.index}/{PurePosixPath(self.path).name}"


def checkpoints(run: Run) -> list[Checkpoint]:
    """The checkpoints that are on disk, the last stage's last one first."""
    stages = list(run.stages.order_by("-index"))
    earlier = saved(stages)
    found = []
    for stage in stages:
        if stage.checkpoint and stage.status in DONE:
            found.append(Checkpoint(stage, stage.checkpoint, stage.last_step, is_last=True))
        found += [each for each in earlier if each.stage == stage and each.path != stage.checkpoint]
    return found


def saved(stages: Iterable[Stage]) -> list[Checkpoint]:
    """Those that stages saved on their way, as far as they are kept, the newest first."""
    by_job = {stage.trained_by: stage for stage in stages}
    events = Event.objects.filter(attempt__job__in=by_job, kind="saved").select_related("attempt__job__run").order_by("-step", "-pk")
    found = {}
    for event in events:
        assert event.attempt
        path = event.attempt.folder / event.data["checkpoint"]
        if path.is_dir():
            relative = str(path.relative_to(settings.RUNS_DIR))
            found[relative] = Checkpoint(by_job[event.attempt.job_id], relative, event.step or 0, is_last=False)
    return list(found.values())


def datasets(run: Run, stage: Stage | None = None) -> list[catalog.Card]:
    """The data sets that a stage can be asked about, or at least one of the run's."""
    configs = [stage.config] if stage else run.config["stages"]
    kinds = {task["kind"] for config in configs for task in config["tasks"]}
    family = run.config["model"].get("family", "image_text")
    return [card for card in catalog.load([settings.DATASETS_DIR]).values() if can_be_asked(family, kinds, card)]


def ask(run: Run, by: User, *, checkpoint: str, dataset: str, split: str) -> Job:
    """Queues an evaluation. Raises Refused, and WrongState for a run that is being deleted."""
    chosen = next((each for each in checkpoints(run) if each.key == checkpoint), None)
    if chosen is None:
        raise Refused(_("%(run)s has no checkpoint %(checkpoint)s.") % {"run": run.name, "checkpoint": checkpoint or "?"})
    if split not in SPLITS:
        raise Refused(_("There is no split %(split)s; there are %(splits)s.") % {"split": split, "splits": ", ".join(SPLITS)})
    check_dataset(chosen.stage, dataset, split)
    path = "" if chosen.is_last else chosen.path
    return lifecycle.ask(run, Evaluation, by, of_stage=chosen.stage, checkpoint=path, dataset=dataset, split=split)


def check_dataset(stage: Stage, dataset: str, split: str) -> None:
    if not dataset:
        return
    card = next((each for each in datasets(stage.run, stage) if each.name == dataset), None)
    if card is None:
        raise Refused(_("%(dataset)s is no data set that %(stage)s can be asked about.") % {"dataset": dataset, "stage": stage.name})
    if not card.num_samples.get(split):
        raise Refused(_("%(dataset)s has no %(split)s split.") % {"dataset": dataset, "split": split})
