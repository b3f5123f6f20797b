"""Label smoothing, clipping and decay against torch's own functions, in steps that are written out beside ours."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.trainer import small
from trainer.config import StageJob
from trainer.loop import Training
from trainer.stage import prepare

RATE, STEPS = 0.01, 3


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_pairs(tmp_path_factory.mktemp("datasets"))


def training(datasets: Path, **regularisation: float) -> Training:
    fields = {"regularisation": {"dropout": 0} | regularisation, "schedule": {"peak_rate": RATE}}
    torch.set_num_threads(1)
    return prepare(StageJob.model_validate(small.job(**fields)), [datasets], 10)


def plain_steps(made: Training, smoothing: float, clip: float, decay: float) -> list[float]:
    """Trains the same network on the same batches by torch alone; returns the norm of each gradient."""
    network, criterion, norms = made.network, nn.CrossEntropyLoss(label_smoothing=smoothing), []
    decayed = [each for each in network.parameters() if each.ndim > 1]
    others = [each for each in network.parameters() if each.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}], lr=RATE)
    for step in range(1, STEPS + 1):
        made.learner.set_training()
        (part,) = made.learner.draw(step)
        batch = part.batch["sentiment"]
        optimizer.zero_grad()
        criterion(network(batch.pictures, batch.tokens, batch.mask), batch.labels).backward()
        norms.append(nn.utils.clip_grad_norm_(network.parameters(), clip).item())
        optimizer.step()
    return norms


@pytest.mark.parametrize(
    ("smoothing", "clip", "decay"), [(0, 1000, 0), (0.1, 1000, 0), (0, 0.05, 0), (0, 1000, 0.5), (0.2, 0.05, 0.1)], ids=str
)
def test_steps_with_regularisation_are_those_of_plain_torch(smoothing: float, clip: float, decay: float, datasets: Path) -> None:
    ours, plain = (training(datasets, label_smoothing=smoothing, clip_norm=clip, weight_decay=decay) for _ in range(2))
    norms = []
    for _ in range(STEPS):
        ours.learner.set_training()
        norms.append(ours.train_step().values["train/grad_norm"].item())
    assert norms == pytest.approx(plain_steps(plain, smoothing, clip, decay), rel=1e-4)
    expected = plain.network.state_dict()
    for name, tensor in ours.network.state_dict().items():
        # A key's bias moves all scores of a token alike, so its gradient is nothing but rounding.
        assert name.endswith("key.bias") or torch.allclose(tensor, expected[name], rtol=1e-4, atol=2e-6), name


@pytest.mark.parametrize(("one", "other"), [({"label_smoothing": 0.3}, {}), ({"clip_norm": 0.01}, {}), ({"weight_decay": 0.9}, {})])
def test_every_regularisation_makes_a_difference(one: dict[str, float], other: dict[str, float], datasets: Path) -> None:
    first, second = training(datasets, **one), training(datasets, **other)
    for made in (first, second):
        made.learner.set_training()
        for _ in range(STEPS):
            made.train_step()
    name = "heads.sentiment.weight"
    assert not torch.allclose(first.network.state_dict()[name], second.network.state_dict()[name], atol=1e-5)


def test_dropout_drops_its_share_and_scales_the_rest(datasets: Path) -> None:
    made = training(datasets, dropout=0.4)
    made.learner.set_training()
    kept = made.network.dropout(torch.ones(200, 500))
    assert (kept == 0).float().mean().item() == pytest.approx(0.4, abs=0.01)
    assert torch.allclose(kept[kept > 0], torch.tensor(1 / 0.6))
