"""Figures over a whole split: loss and accuracy per task, macro-F1 where samples are classified."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from trainer.config import AnyTask, Stage
from trainer.data.samples import Samples
from trainer.device import autocast, to_batch
from trainer.evaluation import scores
from trainer.models.network import Network
from trainer.tasks import OBJECTIVES

BATCH_SIZE = 64


def evaluate(network: Network, stage: Stage, samples: Mapping[str, Samples], split: str, *, by_class: bool = False) -> dict[str, float]:
    """Returns `<split>/loss` (weighted as in training, without label smoothing), `<split>/accuracy` and `<split>/macro_f1` of the
    first task, and `<split>/<task>/...` for each where the stage has several; `by_class` adds `<split>/f1/<class>`."""
    network.eval()
    each = {task.kind: evaluate_task(network, stage, task, samples[task.kind], by_class) for task in stage.tasks}
    first = each[stage.tasks[0].kind]
    figures = {f"{split}/{name}": value for name, value in first.items()}
    figures[f"{split}/loss"] = sum(task.weight * each[task.kind]["loss"] for task in stage.tasks)
    if len(each) > 1:
        figures |= {f"{split}/{kind}/{name}": value for kind, values in each.items() for name, value in values.items()}
    return figures


@torch.no_grad()
def evaluate_task(network: Network, stage: Stage, task: AnyTask, samples: Samples, by_class: bool = False) -> dict[str, float]:
    """Masks are drawn from a fixed seed, so that two evaluations ask the same questions."""
    objective, device = OBJECTIVES[task.kind], next(network.parameters()).device
    rng, order = np.random.default_rng([stage.seed]), samples.in_order()
    total_loss = num_right = num_answers = 0.0
    predictions, labels = [], []
    for start in range(0, len(order), BATCH_SIZE):
        columns = samples.columns(order[start : start + BATCH_SIZE], objective.needs)
        with autocast(device, stage.precision):
            result = objective.loss(network, to_batch(columns, device, rng), task, 0.0)
        answers = float(result.num_answers)
        total_loss += float(result.loss) * answers
        num_right, num_answers = num_right + float(result.num_right), num_answers + answers
        if objective.has_classes and result.predictions is not None:
            predictions.append(result.predictions.cpu().numpy())
            labels.append(samples.labels(order[start : start + BATCH_SIZE]))
    figures = {"loss": total_loss / max(num_answers, 1), "accuracy": num_right / max(num_answers, 1)}
    if predictions:
        f1 = f1_by_class(np.concatenate(predictions), np.concatenate(labels), len(samples.classes))
        figures["macro_f1"] = sum(f1) / len(f1)
        figures |= {f"f1/{name}": score for name, score in zip(samples.classes, f1, strict=True) if by_class}
    return figures


def macro_f1(predictions: np.ndarray, labels: np.ndarray, num_classes: int) -> float:
    """Returns the unweighted mean of the classes' F1; a class that neither occurs nor is predicted counts 0."""
    return float(scores.macro_f1(scores.confusion(labels, predictions, num_classes)))


def f1_by_class(predictions: np.ndarray, labels: np.ndarray, num_classes: int) -> list[float]:
    """Returns 2 * right / (predicted + true) of each class."""
    found: list[float] = scores.class_scores(scores.confusion(labels, predictions, num_classes)).f1.tolist()
    return found
