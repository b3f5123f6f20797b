"""Which buffers a step that is left out must not change, and that it does not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer import small, small_language
from trainer.buffers import Buffers, buffers_of
from trainer.config import StageJob
from trainer.loop import Training
from trainer.stage import prepare


def test_only_a_bad_step_is_taken_back() -> None:
    mean, count = torch.tensor([1.0, 2.0]), torch.tensor(3)
    buffers = Buffers([mean, count])
    for is_good, expected in ((True, ([math.inf, 5.0], 4)), (False, ([math.inf, 5.0], 4))):
        buffers.keep()
        mean.copy_(torch.tensor([math.inf, 5.0]) if is_good else torch.tensor([math.nan, 0.0]))
        count.add_(1)
        buffers.restore(torch.tensor(is_good))
        assert (mean.tolist(), count.item()) == expected


def test_statistics_and_biases_of_routers_are_among_them() -> None:
    assert len(buffers_of(small.network())) == 3 * sum(isinstance(each, torch.nn.BatchNorm2d) for each in small.network().modules()) > 0
    assert len(buffers_of(small_language.network("deepseek_v3"))) == small_language.SIZES["num_layers"]


@pytest.mark.parametrize("kind", ["llama", "mixtral", "bert"])
def test_a_network_without_either_has_none(kind: str) -> None:
    assert buffers_of(small_language.network(kind)) == []


@pytest.mark.parametrize(("rule", "stays"), [("skip", True), ("stop", False)])
def test_a_skipped_step_moves_no_bias_of_a_router(rule: str, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Training.total
    monkeypatch.setattr(Training, "total", lambda self, *arguments: kept(self, *arguments) * (math.nan if self.step == 2 else 1))
    document: dict[str, Any] = small_language.job("deepseek_v3", small_language.task("causal_lm", "speeches"), not_a_number=rule)
    made = prepare(StageJob.model_validate(document), [small_language.write_texts(tmp_path)], 8)
    made.train_step()
    before = [each.clone() for each in buffers_of(made.network)]
    made.train_step()
    assert all(torch.equal(one, other) for one, other in zip(before, buffers_of(made.network), strict=True)) == stays
