"""A run that can be asked: behind the real upload path and the trainer's own reading of a request stands a model that knows nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from tokenizers import Tokenizer

from dashboard.fleet.models import Worker
from dashboard.playground import predicting
from dashboard.runs.models import Run, Stage, Status
from tests.cast import Cast
from tests.pages.working import worker
from tests.playground.hostile import SIDE
from trainer import serve, warm
from trainer.runtimes import Arrays, ModelCard
from trainer.warm import Shelf

CARD = ModelCard(inputs="image_and_text", classes=("negative", "neutral", "positive"), image_size=SIDE, max_tokens=32)


class Ignorant:
    """Says the same of everything, and keeps what it was shown."""

    card, name = CARD, "none"

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.shown: Arrays = {}

    def logits(self, arrays: Arrays) -> np.ndarray:
        num_rows = len(arrays["picture"])
        assert arrays["picture"].shape == (num_rows, 3, SIDE, SIDE)
        assert np.isfinite(arrays["picture"]).all()
        assert arrays["tokens"].shape == arrays["mask"].shape == (num_rows, CARD.max_tokens)
        self.shown = arrays
        return np.array([[0.0, 1.0, 2.0]] * num_rows, np.float32)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, db: None) -> Ignorant:
    from trainer.config import TextEncoder
    from trainer.models import encoders

    found = Ignorant(encoders.tokenizer(TextEncoder(max_tokens=CARD.max_tokens)))
    monkeypatch.setattr(serve, "shelf", Shelf(0, lambda *_: found))
    monkeypatch.setattr(warm, "size_of", lambda *_: 1000)
    monkeypatch.setattr(predicting, "ask", ask)
    # It must look alive for as long as a test takes.
    Worker.objects.filter(pk=worker().pk).update(last_seen=timezone.now() + timedelta(hours=1))
    return found


def ask(request: dict[str, Any], lane: str) -> dict[str, Any]:
    """As the worker hands it over, a line of JSON."""
    found: dict[str, Any] = json.loads(json.dumps(serve.reply(json.dumps(request), lambda _: None, set())))
    return found


@pytest.fixture
def run(cast: Cast) -> Run:
    found = cast.submit()
    Stage.objects.filter(run=found).update(status=Status.COMPLETED, last_step=40, checkpoint=f"{found.pk}/job-3/attempt-1/checkpoints/40")
    return found
