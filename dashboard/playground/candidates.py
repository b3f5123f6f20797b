"""Which weights can be asked: of every finished stage that learnt sentiment its checkpoints, of the last one also what was quantized."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dashboard.runs.models import DONE, Attempt, Quantization, Run, Stage, Status

TASK = "sentiment"
FLOAT = "fp32"
MAX_COLUMNS = 4
# run.stage.precision, or run.stage@step.precision for a checkpoint that is not the stage's last
KEY = re.compile(r"^(?P<run>\d{1,18})\.(?P<stage>\d{1,4})(?:@(?P<step>\d{1,18}))?\.(?P<precision>[a-z0-9_]{1,20})$")
CHECKPOINT = re.compile(r"^stage-(\d+)-step-(\d+)$")


@dataclass(frozen=True)
class Candidate:
    """Weights in a folder, relative to the folder of all runs. `step` is that of the checkpoint."""

    run: Run
    stage: Stage
    step: int
    precision: str
    folder: str
    is_last: bool = True

    @property
    def key(self) -> str:
        """How a link and a form name it."""
        step = "" if self.is_last else f"@{self.step}"
        return f"{self.run.pk}.{self.stage.index}{step}.{self.precision}"

    @property
    def inputs(self) -> str:
        """What the model looks at: image_and_text, image or text."""
        looked_at: str = self.run.config["model"]["inputs"]
        return looked_at

    def facts(self) -> dict[str, Any]:
        """What a column and the list of models show of it."""
        return {
            "key": self.key,
            "run": self.run.pk,
            "run_name": self.run.name,
            "stage": self.stage.index,
            "stage_name": self.stage.name,
            "step": self.step,
            "precision": self.precision,
            "is_last": self.is_last,
            "inputs": self.inputs,
            "folder": f"{folder_of_data()}/runs/{self.folder}",
        }


def folder_of_data() -> str:
    """The data folder as the person's shell knows it: where the server lies is nobody's business."""
    return "var" if settings.DATA_DIR == settings.BASE_DIR / "var" else "$ANNEAL_DATA"


def choices(runs: QuerySet[Run], limit: int = 50) -> list[Candidate]:
    """The newest runs that can be asked, each by its last weights in FP32."""
    done = Stage.objects.filter(run__in=runs, status__in=DONE).exclude(checkpoint="")
    newest = runs.filter(pk__in=done.values("run")).order_by("-pk")[: 2 * limit]
    return [found for run in newest if (found := newest_of(run))][:limit]


def newest_of(run: Run) -> Candidate | None:
    """None where no finished stage has learnt sentiment."""
    stages = askable(run)
    return final(stages[-1]) if stages else None


def askable(run: Run) -> list[Stage]:
    if run.config["model"].get("family", "image_text") != "image_text":
        return []
    stages = run.stages.filter(status__in=DONE).exclude(checkpoint="").select_related("run")
    return [stage for stage in stages if any(task["kind"] == TASK for task in stage.config["tasks"])]


def final(stage: Stage, precision: str = FLOAT, folder: str = "") -> Candidate:
    return Candidate(stage.run, stage, stage.last_step, precision, folder or stage.checkpoint)


def of_run(run: Run) -> list[Candidate]:
    """Every weight of a run that can be asked, in the order of training; behind the last ones their quantized twins."""
    found = [each for stage in askable(run) for each in (*earlier(stage), final(stage))]
    return [*found, *quantized(run, found[-1].stage)] if found else []


def earlier(stage: Stage) -> Iterator[Candidate]:
    """Yields the stage's checkpoints before its last one that still lie on disk, the oldest first."""
    attempts = Attempt.objects.filter(job=stage.trained_by).select_related("job__run")
    steps: dict[int, str] = {}
    for attempt in attempts:
        for path in (attempt.folder / "checkpoints").glob("stage-*"):
            if (match := CHECKPOINT.match(path.name)) and int(match[2]) < stage.last_step:
                steps[int(match[2])] = str(path.relative_to(settings.RUNS_DIR))
    for step in sorted(steps):
        yield Candidate(stage.run, stage, step, FLOAT, steps[step], is_last=False)


def quantized(run: Run, last: Stage) -> list[Candidate]:
    job = Quantization.objects.filter(run=run, status=Status.COMPLETED).order_by("-pk").first()
    files = {name: PurePosixPath(file) for name, file in job.files.items()} if job else {}
    return [
        final(last, name, str(file.parent))
        for name, file in files.items()
        if name != FLOAT and file.suffix == ".onnx" and last.index == len(run.config["stages"])
    ]


def choose(run: Run, precision: str, stage: int | None = None, step: int | None = None) -> Candidate:
    """The weights that a form names; its newest where it names no stage. Raises ValueError with a sentence for the person."""
    found = of_run(run)
    if stage is not None:
        found = [each for each in found if each.stage.index == stage]
    if not found:
        raise ValueError(_("%(run)s has no finished sentiment stage to ask.") % {"run": run.name})
    wanted = [each for each in found if (each.step == step if step is not None else each.is_last)]
    for each in reversed(wanted):
        if each.precision == precision:
            return each
    raise ValueError(missing(run, precision, wanted))


def missing(run: Run, precision: str, there: list[Candidate]) -> str:
    if not there:
        return _("%(run)s keeps no checkpoint of this step.") % {"run": run.name}
    names = ", ".join(each.precision.upper() for each in there)
    return _("%(run)s has no %(precision)s weights; there are %(there)s.") % {
        "run": run.name,
        "precision": precision.upper(),
        "there": names,
    }
