"""The Hugging Face `Trainer` on a network, data and loss of ours. Needs `accelerate`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from trainer.loop import Training

LossOf = Callable[[Training, Any], Tensor]


def train(made: Training, batches: Iterator[Any], loss_of: LossOf, count: int, step_is_done: Callable[[], None]) -> None:
    """Makes `count` steps, and calls `step_is_done` behind each."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Reference(
            Wrapped(made, loss_of), arguments(made, folder, count), train_dataset=[0] * count, callbacks=[Heard(step_is_done)]
        )
        trainer.batches = batches
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def arguments(made: Training, folder: str, count: int) -> TrainingArguments:
    return TrainingArguments(
        folder,
        max_steps=count,
        learning_rate=made.stage.schedule.peak_rate,
        lr_scheduler_type="constant",
        weight_decay=made.stage.regularisation.weight_decay,
        max_grad_norm=made.stage.regularisation.clip_norm,
        optim="adamw_torch_fused",
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=made.device.type == "cpu",
    )


class Wrapped(nn.Module):
    """The network without its config, which the Trainer would take for one of its own."""

    def __init__(self, made: Training, loss_of: LossOf) -> None:
        super().__init__()
        self.network = made.network
        self.loss_of = lambda part: loss_of(made, part)

    def forward(self, part: Any) -> Tensor:
        return self.loss_of(part)


class Heard(TrainerCallback):  # type: ignore[misc]
    def __init__(self, step_is_done: Callable[[], None]) -> None:
        self.step_is_done = step_is_done

    def on_step_end(self, *unused: Any, **also_unused: Any) -> None:
        self.step_is_done()


class Reference(Trainer):  # type: ignore[misc]
    batches: Iterator[Any]

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *unused: Any, **also_unused: Any) -> Tensor:
        loss: Tensor = model(inputs["part"])
        return loss

    def get_train_dataloader(self) -> Endless:
        return Endless(self.batches)


class Endless:
    """A loader without an end: the Trainer stops at its number of steps."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for part in self.batches:
            yield {"part": part}

    def __len__(self) -> int:
        return 1_000_000
