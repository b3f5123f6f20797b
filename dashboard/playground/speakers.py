"""Which weights can go on with a text: the last checkpoint of every finished stage of a causal language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dashboard.runs.models import DONE, Run, Stage
from trainer.config import family_of

FAMILIES = ("causal_lm", "moe_lm")
# A stage that learnt one of these has seen questions in the template of the chat.
CHATTING = ("instruction_tuning", "equations")


@dataclass(frozen=True)
class Speaker:
    run: Run
    stage: Stage

    @property
    def key(self) -> str:
        return f"{self.run.pk}.{self.stage.index}"

    @property
    def is_chat(self) -> bool:
        """Whether the stage learnt to answer, and not only to go on."""
        return any(task["kind"] in CHATTING for task in self.stage.config["tasks"])

    def facts(self) -> dict[str, Any]:
        return {"key": self.key, "run": self.run.pk, "stage": self.stage.index, "is_chat": self.is_chat}


def speakers(runs: QuerySet[Run], limit: int = 50) -> list[Speaker]:
    """Of the newest runs each finished stage, the last one first."""
    done = Stage.objects.filter(run__in=runs, status__in=DONE).exclude(checkpoint="")
    newest = [run for run in runs.filter(pk__in=done.values("run")).order_by("-pk")[: 4 * limit] if is_causal(run)]
    return [Speaker(run, stage) for run in newest[:limit] for stage in finished(run)]


def is_causal(run: Run) -> bool:
    return family_of(run.config["model"]) in FAMILIES


def finished(run: Run) -> QuerySet[Stage]:
    return run.stages.filter(status__in=DONE).exclude(checkpoint="").select_related("run").order_by("-index")


def choose(run: Run, stage: int | None) -> Stage:
    """Raises ValueError with a sentence for the person."""
    if not is_causal(run):
        raise ValueError(_("%(run)s is no model that goes on with a text.") % {"run": run.name})
    found = [each for each in finished(run) if stage is None or each.index == stage]
    if not found:
        raise ValueError(_("%(run)s has no such finished stage.") % {"run": run.name})
    return found[0]
