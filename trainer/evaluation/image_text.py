"""The evaluation of an image + text checkpoint: figures of all its tasks, and more of the first that classifies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainer.config import AnyTask
from trainer.data.picture_cache import PictureCache
from trainer.data.reading import Rows
from trainer.data.samples import Samples
from trainer.device import choose
from trainer.evaluate import evaluate
from trainer.evaluation import classification, modalities
from trainer.evaluation.bootstrap import Bootstrap
from trainer.evaluation.classifying import predictions, probabilities
from trainer.evaluation.predictions import Predictions
from trainer.evaluation.subjects import Subject
from trainer.models.network import Network, from_checkpoint
from trainer.progress import Advance, to_nobody
from trainer.tasks import OBJECTIVES


def evaluate_image_text(subject: Subject, bootstrap: Bootstrap, advance: Advance = to_nobody) -> tuple[dict[str, Any], Predictions | None]:
    """Returns the figures, and what was said of every sample where a task classifies them. Raises ValueError."""
    network, tokenizer, classes = from_checkpoint(subject.checkpoint)
    network.to(choose(subject.stage.precision))
    cache = PictureCache(network.config.image.image_size)
    samples: dict[str, Samples] = {
        task.kind: Samples(task, subject.split, subject.folders, tokenizer, cache) for task in subject.stage.tasks
    }
    for kind, each in samples.items():
        if OBJECTIVES[kind].has_classes:
            align(each.rows, classes[kind])
    found: dict[str, Any] = dict(evaluate(network, subject.stage, samples, subject.split, by_class=True))
    task = first_classifying(subject.stage.tasks)
    if task is None:
        return found, None
    figures, said = classified(network, subject, task, samples[task.kind], bootstrap, advance)
    return found | {"classification": figures}, said


def align(rows: Sequence[Rows], classes: Sequence[str]) -> None:
    """Makes labels indices into the model's classes, by name. Raises ValueError for a class that the model does not know."""
    for each in rows:
        assert each.labels is not None
        if unknown := [name for name in each.card.classes if name not in classes]:
            raise ValueError(f"{each.card.name} has the class {unknown[0]!r}; the model tells apart {', '.join(classes)}")
        each.labels = np.array([classes.index(name) for name in each.card.classes], np.int64)[each.labels]
        each.card = each.card.model_copy(update={"classes": tuple(classes)})


def first_classifying(tasks: Sequence[AnyTask]) -> AnyTask | None:
    return next((task for task in tasks if OBJECTIVES[task.kind].has_classes), None)


def classified(
    network: Network, subject: Subject, task: AnyTask, samples: Samples, bootstrap: Bootstrap, advance: Advance
) -> tuple[dict[str, Any], Predictions]:
    views = modalities.views_of(network, task.kind)
    found = probabilities(network, subject.stage, task.kind, samples, views, advance)
    said = predictions(task.kind, subject.split, samples, found["as_it_is"])
    figures = classification.figures(said, bootstrap)
    figures["modalities"] = modalities.figures(found, said.labels, bootstrap) if len(views) > 1 else None
    return figures, said
