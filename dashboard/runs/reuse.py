"""Stages that need not be trained again: where a run's first stages have finished twins in the project, it takes over what they trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from dashboard.accounts.models import Project
from dashboard.runs import keys
from dashboard.runs.models import Run, Stage, Status
from trainer import catalog
from trainer.catalog import Card
from trainer.config import Run as Config

ABOUT = "Take over the first stages from runs of the project that trained the same already. Off: train every stage."
TAKEN_OVER = (
    "num_steps", "checkpoint", "results", "num_parameters", "num_trainable", "device", "key", "inputs", "ledger", "expert_loads", "watched",
)  # fmt: skip


def twins_of(project: Project, config: Config, cards: Mapping[str, Card]) -> list[Stage]:
    """The stages that the run's first stages may be taken from, in order; of several chains the longest, then the newest.

    Three queries. A last stage needs a twin that was the last of its own run: only such a one was tested.
    """
    wanted = [key for key, _ in keys.chain(config, cards)]
    finished = Stage.objects.filter(
        run__project=project, run__deleted_at=None, status=Status.COMPLETED, key__in=filter(None, wanted)
    ).exclude(checkpoint="")
    found = list(finished.select_related("run").order_by("-pk"))
    for index in range(len(wanted), 0, -1):
        for twin in found:
            if twin.key == wanted[index - 1] and has_checkpoint(twin) and (index < len(wanted) or is_last(twin)):
                return chain_to(twin)
    return []


def chain_to(stage: Stage) -> list[Stage]:
    """The stages that led to this one, itself included, each as the stage that did the training."""
    chain = Stage.objects.filter(run=stage.run_id, index__lte=stage.index).select_related("run", "reused_from__run").order_by("index")
    return [each.reused_from or each for each in chain]


def has_checkpoint(stage: Stage) -> bool:
    return bool(stage.checkpoint) and (settings.RUNS_DIR / stage.checkpoint).is_dir()


def is_last(stage: Stage) -> bool:
    return stage.index == len(stage.run.config["stages"])


def taken_over(source: Stage) -> dict[str, Any]:
    """The fields of a stage that another one has trained. Its points stay where they are."""
    fields = {name: getattr(source, name) for name in TAKEN_OVER}
    return {**fields, "reused_from": source, "status": Status.REUSED, "last_step": source.num_steps}


def note_key(stage: Stage, *, goes_on: bool) -> None:
    """What a stage is really trained on is known when its trainer starts, perhaps long after it was submitted.

    A stage that goes on with other data than it began with gets a key that no other stage has.
    """
    config = Config.model_validate(stage.run.config)
    before = Stage.objects.filter(run=stage.run_id, index=stage.index - 1).values_list("key", flat=True).first() or ""
    inputs = keys.inputs_of(config, stage.index, before, catalog.load([settings.DATASETS_DIR]))
    key = keys.key_of(config, stage.index, inputs)
    if goes_on and key != stage.key:
        Stage.objects.filter(pk=stage.pk).update(key=keys.digest([stage.key, key]))
    else:
        Stage.objects.filter(pk=stage.pk).update(key=key, inputs=inputs)


def origins(stages: Sequence[Stage]) -> list[Run]:
    """The runs that reused stages come from, each once, in order; their `reused_from.run` is best loaded with them."""
    return list({stage.reused_from.run_id: stage.reused_from.run for stage in stages if stage.reused_from}.values())
