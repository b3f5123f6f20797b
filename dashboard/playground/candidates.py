"""Which runs can be asked, in which precisions, and where their weights lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dashboard.runs.models import DONE, Quantization, Run, Stage, Status

TASK = "sentiment"


@dataclass(frozen=True)
class Candidate:
    """`folders` maps a precision to the folder of its weights, relative to the folder of all runs."""

    run: Run
    stage: Stage
    folders: dict[str, str]

    @property
    def inputs(self) -> str:
        """What the model looks at: image_and_text, image or text."""
        looked_at: str = self.run.config["model"]["inputs"]
        return looked_at


def choices(runs: QuerySet[Run], limit: int = 50) -> list[Candidate]:
    """The newest runs whose last stage learnt sentiment and is complete."""
    done = Stage.objects.filter(run__in=runs, status__in=DONE).exclude(checkpoint="")
    newest = list(runs.filter(pk__in=done.values("run")).order_by("-pk")[: 2 * limit])
    return [found for run in newest if (found := candidate(run))][:limit]


def candidate(run: Run) -> Candidate | None:
    """None where the last stage has not finished, or learnt something else."""
    stage = run.stages.last()
    if stage is None or stage.status not in DONE or not stage.checkpoint:
        return None
    if all(task["kind"] != TASK for task in stage.config["tasks"]):
        return None
    return Candidate(run, stage, {"fp32": stage.checkpoint, **int8(run)})


def int8(run: Run) -> dict[str, str]:
    """The INT8 that won, by the newest quantization."""
    job = Quantization.objects.filter(run=run, status=Status.COMPLETED).order_by("-pk").first()
    return {"int8": str(PurePosixPath(job.files["int8"]).parent)} if job and "int8" in job.files else {}


def folder_of(run: Run, precision: str) -> str:
    """Raises ValueError with a sentence for the person."""
    found = candidate(run)
    if found is None:
        raise ValueError(_("%(run)s has no finished sentiment stage to ask.") % {"run": run.name})
    if precision not in found.folders:
        there = ", ".join(name.upper() for name in found.folders)
        raise ValueError(
            _("%(run)s has no %(precision)s weights; there are %(there)s.")
            % {"run": run.name, "precision": precision.upper(), "there": there}
        )
    return found.folders[precision]
