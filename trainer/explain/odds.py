"""What an explanation explains: by how much one class is likelier than all others together. B batch, K classes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def log_odds(logits_BK: Tensor) -> Tensor:
    """Returns log(p / (1 - p)) of every class, (B, K): its logit less the log of the sum of the others' exponentials."""
    others = [[each for each in range(logits_BK.shape[1]) if each != k] for k in range(logits_BK.shape[1])]
    return logits_BK - torch.stack([logits_BK[:, each].logsumexp(1) for each in others], dim=1)


def log_odds_of(logits_BK: np.ndarray) -> np.ndarray:
    """The same of an array, float64 (B, K)."""
    return log_odds(torch.from_numpy(logits_BK.astype(np.float64))).numpy()
