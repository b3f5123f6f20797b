"""Model families: for each a learner, which the one training loop drives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from trainer.config import StageJob
from trainer.families.image_text import ImageTextLearner
from trainer.families.language import LanguageLearner
from trainer.families.learner import Learner

LEARNERS: dict[str, Callable[[StageJob, Sequence[Path], torch.device], Learner]] = {
    "image_text": ImageTextLearner,
    "causal_lm": LanguageLearner,
    "moe_lm": LanguageLearner,
    "masked_lm": LanguageLearner,
}
