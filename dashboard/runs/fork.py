"""The verb `fork`: a new run that takes over another one's stages up to a point, and goes its own way from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboard.accounts.models import User
from dashboard.runs import lifecycle
from dashboard.runs.keys import canonical
from dashboard.runs.models import DONE, Run, Stage
from dashboard.runs.reuse import chain_to, has_checkpoint
from trainer.config import Run as Config
from trainer.differences import differences
from trainer.problems import FieldPath


class ForkRefused(ValueError):
    """The new config does not fit what is taken over. `errors` holds the path of each field and a sentence."""

    def __init__(self, *errors: tuple[FieldPath, str]) -> None:
        super().__init__("; ".join(message for _, message in errors))
        self.errors = errors


def fork(parent: Run, index: int, owner: User, name: str, config: Config) -> Run:
    """Submits `config` as a run whose stages before `index` (from 1) are the parent's; the others are trained, twins or not.

    Raises ForkRefused for a config that changes what is taken over, WrongState while there is nothing to take over.
    """
    if errors := list(misfits(parent, index, config)):
        raise ForkRefused(*errors)
    return lifecycle.submit(
        parent.project, owner, name, config, parent.recipe, taken=stages_before(parent, index), forked_from=parent, forked_stage=index
    )


def stages_before(parent: Run, index: int) -> list[Stage]:
    """The stages that a fork at `index` takes over. Raises WrongState where they have not finished or left no checkpoint."""
    if index == 1:
        return []
    last = Stage.objects.get(run=parent, index=index - 1)
    if last.status not in DONE:
        raise lifecycle.WrongState(
            f"Stage {last.index} of {parent.name} has not finished: a fork at stage {index} starts from its weights."
        )
    if not has_checkpoint(last):
        raise lifecycle.WrongState(f"The checkpoint of stage {last.index} of {parent.name} is no longer there.")
    return chain_to(last)


def misfits(parent: Run, index: int, config: Config) -> Iterator[tuple[FieldPath, str]]:
    """What keeps a config from being a fork of the parent at this stage."""
    before = Config.model_validate(parent.config)
    for count, whose in ((len(before.stages), parent.name), (len(config.stages), "the new run")):
        if not 1 <= index <= count:
            yield ("stage",), f"there is no stage {index}: {whose} has {count}"
            return
    for path, _before, _after in differences(taken_over_part(before, index), taken_over_part(config, index)):
        yield path, f"stages before {index} are taken over as they were trained: fork at an earlier stage to change this"


def taken_over_part(config: Config, index: int) -> dict[str, Any]:
    """What the stages before `index` were trained with; nothing at the first stage."""
    document = config.model_dump(mode="json", include={"model", "num_threads", "stages"})
    return {**document, "stages": [canonical(stage) for stage in document["stages"][: index - 1]]} if index > 1 else {}
