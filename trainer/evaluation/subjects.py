"""What is evaluated: a checkpoint that is whole, and the tasks and data sets that it is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import catalog, checkpoint
from trainer.config import TASKS, TASKS_OF, AnyTask, Model, Source, Stage
from trainer.families.parents import model_of
from trainer.manifest import MANIFEST, verify
from trainer.problems import TASK_OF_KIND, fits


@dataclass(frozen=True)
class Subject:
    """A checkpoint, and its stage with the tasks to ask about."""

    checkpoint: Path
    model: Model
    stage: Stage
    split: str
    folders: Sequence[Path]

    def cards(self) -> list[catalog.Card]:
        """Returns the card of every data set that is asked about, once."""
        names = dict.fromkeys(source.dataset for task in self.stage.tasks for source in task.sources)
        return [catalog.find(name, self.folders) for name in names]


def subject(folder: Path, chosen: Path | None, dataset: str, split: str, folders: Sequence[Path]) -> Subject:
    """Takes the folder's last checkpoint unless one is chosen, by its path or by its name, and its own data sets unless one is named.

    Raises ValueError for what is not there, and Damaged, naming the file, for a checkpoint that is not what was saved.
    """
    found = checkpoint.newest(folder) if chosen is None else located(folder, chosen)
    verify(found)
    model, stage = model_of(found), Stage.model_validate(checkpoint.document(found, "config")["stage"])
    if dataset:
        stage = stage.model_copy(update={"tasks": tasks_on(dataset, model, stage, folders)})
    return Subject(found, model, stage, split, folders)


def located(folder: Path, chosen: Path) -> Path:
    for place in (chosen, folder / chosen, folder / "checkpoints" / chosen):
        if (place / MANIFEST).is_file():
            return place
    raise ValueError(f"--checkpoint: there is no checkpoint {chosen}")


def tasks_on(dataset: str, model: Model, stage: Stage, folders: Sequence[Path]) -> tuple[AnyTask, ...]:
    """Returns the stage's tasks that the data set has the columns for; a language model has one for every kind of text.

    Raises ValueError where there is none.
    """
    card, sources = catalog.find(dataset, folders), (Source(dataset=dataset),)
    fitting = [task.model_copy(update={"sources": sources}) for task in stage.tasks if fits(task.kind, card)]
    kind = TASK_OF_KIND.get(card.kind or "", "")
    if model.family != "image_text" and kind in TASKS_OF[model.family]:
        own = [task for task in fitting if task.kind == kind]
        return tuple(own or [TASKS[kind](sources=sources)])  # type: ignore[list-item]
    if not fitting:
        kinds = ", ".join(task.kind for task in stage.tasks)
        raise ValueError(f"--dataset: {dataset} has the columns {', '.join(card.columns)}, about which {kinds} cannot be asked")
    return tuple(fitting)
