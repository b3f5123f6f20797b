"""The loss of each sample, as the objective itself has it for a batch of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.trainer import small
from trainer.config import AnyTask, ImageTextModel, StageJob
from trainer.data.picture_cache import PictureCache
from trainer.data.pictures import normalise
from trainer.data.samples import Samples
from trainer.models.network import Network, build
from trainer.sample_losses import sample_losses
from trainer.tasks.image_text_matching import cosine


def made(root: Path, kind: str, *datasets: str) -> tuple[Network, StageJob, AnyTask, Samples]:
    for name in datasets or ("pairs",):
        small.write_pairs(root, name, seed=len(name))
    job = StageJob.model_validate(small.job(small.task(kind, *datasets)))
    assert isinstance(job.model, ImageTextModel)
    torch.manual_seed(0)
    network, tokenizer = build(job.model)
    if kind != "image_text_matching":
        network.add_head(kind, 2)
    task = job.stage.tasks[0]
    return network, job, task, Samples(task, "train", [root], tokenizer, PictureCache(job.model.image.image_size))


def inputs(network: Network, samples: Samples, source: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    columns = samples.columns([(source, row) for row in range(len(samples.rows[source]))], ("image", "text", "label"))
    assert columns.pictures is not None and columns.tokens is not None and columns.mask is not None and columns.labels is not None
    arrays = (normalise(columns.pictures), columns.tokens, columns.mask, columns.labels)
    pictures, tokens, mask, labels = map(torch.from_numpy, arrays)
    return pictures, tokens, mask, labels


def test_of_a_classification_it_is_the_cross_entropy_of_each_sample(tmp_path: Path) -> None:
    network, job, task, samples = made(tmp_path, "image_classification", "pairs", "others")
    found = sample_losses(network, job.stage, task, samples)
    for source in range(2):
        pictures, _, _, labels = inputs(network, samples, source)
        with torch.no_grad():
            logits = network.heads["image_classification"](network.image_features(pictures))
        assert found[source] == pytest.approx(functional.cross_entropy(logits, labels, reduction="none").numpy(), abs=1e-5)


def test_of_matching_it_is_how_far_a_picture_is_from_its_sentence(tmp_path: Path) -> None:
    network, job, task, samples = made(tmp_path, "image_text_matching")
    pictures, tokens, mask, _ = inputs(network, samples, 0)
    (found,) = sample_losses(network, job.stage, task, samples)
    with torch.no_grad():
        expected = 1 - cosine(*network.projected(pictures, tokens, mask)).diagonal()
    assert found == pytest.approx(expected.numpy(), abs=1e-5)


def test_hidden_words_are_the_same_at_every_time(tmp_path: Path) -> None:
    network, job, task, samples = made(tmp_path, "masked_lm")
    (once,), (again,) = (sample_losses(network, job.stage, task, samples) for _ in range(2))
    assert once.tolist() == again.tolist()
    assert len(set(once.tolist())) > 1 and np.isfinite(once).all()


def test_a_loss_leaves_network_and_generators_as_they_were(tmp_path: Path) -> None:
    network, job, task, samples = made(tmp_path, "sentiment")
    before, generator = {name: each.clone() for name, each in network.state_dict().items()}, torch.get_rng_state()
    sample_losses(network, job.stage, task, samples)
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)


def test_a_single_sample_has_no_contrast(tmp_path: Path) -> None:
    network, job, task, samples = made(tmp_path, "image_text_contrast")
    with pytest.raises(ValueError, match=r"^curriculum\.loss: image_text_contrast "):
        sample_losses(network, job.stage, task, samples)
