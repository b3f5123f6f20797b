"""Steps of our loop equal those of the Hugging Face `Trainer`, and those written out from the papers' formulas."""

from __future__ import annotations

import copy
import importlib.util
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.trainer import small
from trainer.config import StageJob
from trainer.data.writing import Sample, write_dataset
from trainer.loop import Training
from trainer.stage import prepare

NUM_STEPS, BETAS, EPSILON = 4, (0.9, 0.999), 1e-8
PEAK, DECAY, CLIP, SMOOTHING = 1e-3, 0.1, 0.05, 0.1
# Adam's first step hardly depends on the gradient's size; from the second one on, clipping and both moments count.
STAGE: dict[str, Any] = {
    "steps": NUM_STEPS,
    "schedule": {"shape": "constant", "peak_rate": PEAK},
    "regularisation": {"dropout": 0, "weight_decay": DECAY, "clip_norm": CLIP, "label_smoothing": SMOOTHING},
}
Loss = Callable[[nn.Module, Any], Tensor]
NO_TRAINER = "accelerate is not installed, so the Trainer of transformers cannot run"


def image_text(root: Path) -> Training:
    return training(small.job(small.task(), **STAGE), small.write_pairs(root))


def language(root: Path) -> Training:
    """Sentences of 3 to 12 words: rows of several documents, and documents that are cut at the end of a row."""
    texts = [" ".join(np.random.default_rng(row).choice(small.WORDS, 3 + row % 10)) for row in range(60)]
    splits = {split: [Sample(text=text) for text in texts] for split in ("train", "validation", "test")}
    write_dataset(root / "sentences", splits, ("text",), title="sentences")
    model = {"family": "causal_lm", "vocabulary_size": 300, "max_tokens": 16, "width": 32, "num_layers": 2, "num_heads": 2, "mlp_width": 48}
    return training(small.job(small.task("causal_lm", "sentences"), **STAGE) | {"model": model}, root)


def training(document: dict[str, Any], datasets: Path) -> Training:
    torch.set_num_threads(1)
    made = prepare(StageJob.model_validate(document), [datasets], NUM_STEPS)
    made.learner.set_training()
    return made


def sentiment_loss(network: Any, batches: Any) -> Tensor:
    """Article D1: projected features of both encoders, their sum, ReLU, a linear classifier; smoothed cross-entropy."""
    batch = batches["sentiment"]
    hidden_BTH = network.text(input_ids=batch.tokens, attention_mask=batch.mask).last_hidden_state
    weights_BT1 = (batch.mask / batch.mask.sum(1, keepdim=True)).unsqueeze(2)
    sentence_BH = (hidden_BTH * weights_BT1).sum(1)
    picture_BC = network.image(batch.pictures).last_hidden_state.mean((2, 3))
    fused_BW = network.image_projection(picture_BC) + network.text_projection(sentence_BH)
    return smoothed(network.heads["sentiment"](fused_BW.clamp_min(0)), batch.labels)


def next_token_loss(network: Any, piece: Any) -> Tensor:
    """Each document of each row goes through the network alone, as if nothing were packed."""
    batch = piece.batch
    told = [told_of(network, document) for document in documents_of(batch)]
    loss = smoothed(torch.cat([logits_NV for logits_NV, _ in told]), torch.cat([labels_N for _, labels_N in told]))
    assert sum(len(labels_N) for _, labels_N in told) == len(batch.answers) > len(batch.tokens)
    return loss


def told_of(network: Any, document_T: Tensor) -> tuple[Tensor, Tensor]:
    return network(input_ids=document_T[None, :-1]).logits[0], document_T[1:]


def documents_of(batch: Any) -> list[Tensor]:
    """Pieces of at least two tokens between one position 0 and the next, padding left out."""
    found: list[Tensor] = []
    for tokens_T, positions_T, real_T in zip(batch.tokens, batch.positions, batch.real, strict=True):
        starts = [*(positions_T == 0).nonzero().flatten().tolist(), len(tokens_T)]
        found += [tokens_T[start:stop][real_T[start:stop]] for start, stop in pairwise(starts)]
    return [document_T for document_T in found if len(document_T) > 1]


def smoothed(logits_NK: Tensor, labels_N: Tensor) -> Tensor:
    """Szegedy et al. (arXiv 1512.00567, section 7): the target is (1 - e) on the label and e / K on every class."""
    surprisal_NK = logits_NK.logsumexp(1, keepdim=True) - logits_NK
    told_N = surprisal_NK[torch.arange(len(labels_N)), labels_N]
    return ((1 - SMOOTHING) * told_N + SMOOTHING * surprisal_NK.mean(1)).mean()


class WrittenOut:
    """Global-norm clipping and AdamW (arXiv 1711.05101, algorithm 2) by their formulas; vectors are not decayed."""

    def __init__(self, network: nn.Module) -> None:
        self.parameters = [each for each in network.parameters() if each.requires_grad]
        self.first = [torch.zeros_like(each) for each in self.parameters]
        self.second = [torch.zeros_like(each) for each in self.parameters]

    @torch.no_grad()
    def step(self, number: int, gradients: list[Tensor | None]) -> None:
        norm = math.sqrt(sum(float(each.double().square().sum()) for each in gradients if each is not None))
        for parameter, gradient, first, second in zip(self.parameters, gradients, self.first, self.second, strict=True):
            if gradient is None:
                continue
            clipped = gradient * min(1.0, CLIP / norm)
            first.mul_(BETAS[0]).add_((1 - BETAS[0]) * clipped)
            second.mul_(BETAS[1]).add_((1 - BETAS[1]) * clipped.square())
            parameter.mul_(1 - PEAK * (DECAY if parameter.ndim > 1 else 0))
            corrected = (second / (1 - BETAS[1] ** number)).sqrt()
            parameter.sub_(PEAK * first / (1 - BETAS[0] ** number) / (corrected + EPSILON))


def by_formulas(network: nn.Module, batches: list[Any], loss: Loss) -> list[float]:
    optimizer, losses = WrittenOut(network), []
    for number, batch in enumerate(batches, 1):
        value = loss(network, batch)
        gradients = torch.autograd.grad(value, optimizer.parameters, allow_unused=True)
        optimizer.step(number, list(gradients))
        losses.append(float(value.detach()))
    return losses


def by_transformers(network: nn.Module, batches: list[Any], loss: Loss, folder: Path) -> list[float]:
    """The Trainer's own optimizer, schedule, clipping and loop; it is given the network, the batches and the loss."""
    from transformers import Trainer, TrainingArguments

    losses: list[float] = []

    class Wrapped(nn.Module):
        """Our network without its config, which the Trainer would take for one of its own."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, batch: Any) -> Tensor:
            return loss(self.network, batch)

    class Reference(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *unused: Any, **also_unused: Any) -> Tensor:
            value: Tensor = model(inputs["batch"])
            losses.append(float(value.detach()))
            return value

        def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
            return [name for name, each in model.named_parameters() if each.ndim > 1]

        def get_train_dataloader(self) -> Any:
            return torch.utils.data.DataLoader([{"batch": batch} for batch in batches], collate_fn=lambda rows: rows[0])

    arguments = TrainingArguments(
        str(folder),
        max_steps=NUM_STEPS,
        learning_rate=PEAK,
        lr_scheduler_type="constant",
        weight_decay=DECAY,
        max_grad_norm=CLIP,
        optim="adamw_torch",
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    Reference(Wrapped(), arguments, train_dataset=batches).train()
    return losses


def ours(made: Training) -> list[float]:
    return [float(made.train_step().values["train/loss"]) for _ in range(NUM_STEPS)]


def batches_of(made: Training) -> list[Any]:
    """What a training that starts afresh is about to draw; the order of its own data stays where it is."""
    drawn = copy.deepcopy(made.learner)
    return [drawn.draw(step)[0].batch for step in range(1, NUM_STEPS + 1)]


def differences(one: nn.Module, other: nn.Module) -> dict[str, float]:
    theirs = dict(other.named_parameters())
    return {name: float((each - theirs[name]).detach().abs().max()) for name, each in one.named_parameters()}


MODELS: dict[str, tuple[Callable[[Path], Training], Loss]] = {
    "image_text": (image_text, sentiment_loss),
    "causal_lm": (language, next_token_loss),
}


@pytest.mark.parametrize("name", MODELS)
def test_steps_equal_those_written_out_from_the_formulas(name: str, tmp_path: Path) -> None:
    build, loss = MODELS[name]
    made = build(tmp_path)
    reference, batches = copy.deepcopy(made.network), batches_of(made)
    untouched = copy.deepcopy(made.network)
    assert by_formulas(reference, batches, loss) == pytest.approx(ours(made), rel=1e-5)
    assert max(differences(made.network, reference).values()) < PEAK / 100
    assert max(differences(made.network, untouched).values()) > PEAK


@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason=NO_TRAINER)
@pytest.mark.parametrize("name", MODELS)
def test_steps_equal_those_of_the_hugging_face_trainer(name: str, tmp_path: Path) -> None:
    build, loss = MODELS[name]
    made = build(tmp_path)
    reference, batches = copy.deepcopy(made.network), batches_of(made)
    assert by_transformers(reference, batches, loss, tmp_path / "trainer") == pytest.approx(ours(made), rel=1e-5)
    assert max(differences(made.network, reference).values()) < PEAK / 100
