"""How the losses of several tasks become one: by fixed weights, or by those times a learned uncertainty of each task."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.config import Stage


class TaskWeighting(nn.Module):
    """With uncertainty, task k counts weight_k * (exp(-s_k) * loss_k + s_k / 2), where s_k = log of its variance is learned from 0.

    That is the classification form of Kendall, Gal and Cipolla (arXiv 1705.07115, equation 10).
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.fixed: dict[str, float] = {task.kind: task.weight for task in stage.tasks}
        self.log_variances = nn.ParameterDict()
        if stage.task_weighting == "uncertainty":
            self.log_variances.update({task.kind: nn.Parameter(torch.zeros(())) for task in stage.tasks})

    def forward(self, task: str, loss: Tensor, share: float) -> Tensor:
        """Takes a loss that has been scaled to its `share` of the step, and scales the rest of the term alike."""
        if task not in self.log_variances:
            return self.fixed[task] * loss
        log_variance: Tensor = self.log_variances[task]
        return self.fixed[task] * (torch.exp(-log_variance) * loss + share * log_variance / 2)

    def learned(self) -> dict[str, Tensor]:
        """Returns what each task's loss is multiplied by, where that is learned."""
        return {task: self.fixed[task] * torch.exp(-each.detach()) for task, each in self.log_variances.items()}
