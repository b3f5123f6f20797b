"""Quantization-aware training: the trained weights learn to live with the rounding of INT8, a few steps at a low rate.

The forward pass rounds weights and activations as INT8 will (Jacob et al. 2018, arXiv 1712.05877); torchao's PT2E puts the rounding
into the exported graph. B samples, K classes.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx
from torch.nn import functional
from torchao.quantization.pt2e import disable_observer, move_exported_model_to_eval
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_qat_pt2e

from trainer.config import Quantization, Schedule
from trainer.data.samples import Index, Samples
from trainer.device import describe
from trainer.events import GRAD_NORM, LEARNING_RATE, LOSS, SAMPLES_PER_SECOND, EventLog
from trainer.export import Classifier, dynamic_shapes, examples, quiet, write_program
from trainer.failures import NotANumberError
from trainer.models.network import set_dropout
from trainer.quantization.questions import gather
from trainer.quantization.tables import round_tables
from trainer.runtimes import TorchRuntime
from trainer.schedule import learning_rate
from trainer.system import SystemFigures

BATCH_NORM, USES_BATCH = torch.ops.aten.batch_norm.default, 5  # the argument that says whether the statistics are the batch's
CLIP_NORM, WARM_UP_SHARE, SEED = 1.0, 0.1, 0


class Training:
    """The rounding network in training, the trained one that it learns from, and the samples that both are shown."""

    def __init__(self, runtime: TorchRuntime, samples: Samples, settings: Quantization) -> None:
        self.runtime, self.samples, self.settings, self.step = runtime, samples, settings, 0
        self.num_steps = settings.qat_steps
        warm_up = min(max(1, round(WARM_UP_SHARE * self.num_steps)), self.num_steps - 1)
        self.schedule = Schedule(shape="cosine", peak_rate=settings.qat_learning_rate, warmup_steps=warm_up, final_rate=0.0)
        self.graph = rounding(runtime)
        self.trained = [each for each in self.graph.parameters() if each.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=settings.qat_learning_rate, weight_decay=0.0, fused=True)
        self.order = shuffled(samples, settings.qat_batch_size)

    def train_step(self) -> dict[str, Tensor | float]:
        """One step of self-distillation: the loss is how far the rounded answers are from the trained network's (Hinton et al. 2015,
        arXiv 1503.02531, with no temperature), in nats. No labels, so nothing is learnt but to round well."""
        self.step += 1
        self.freeze_what_is_due()
        rate = learning_rate(self.schedule, self.step, self.num_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        arrays = gather(self.runtime.card, self.samples, next(self.order))
        answers_BK = self.graph(*(torch.from_numpy(array) for array in arrays.values())).log_softmax(1)
        wanted_BK = torch.from_numpy(self.runtime.logits(arrays)).softmax(1)
        loss = functional.kl_div(answers_BK, wanted_BK, reduction="batchmean")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.trained, CLIP_NORM)
        self.optimizer.step()
        return {LOSS: loss.detach(), GRAD_NORM: norm, LEARNING_RATE: rate}

    def freeze_what_is_due(self) -> None:
        """The weights settle on statistics and ranges that no longer move under them (Krishnamoorthi 2018, arXiv 1806.08342)."""
        if self.step == 1 + round(self.settings.qat_statistics_share * self.num_steps):
            freeze_statistics(self.graph)
        if self.step == 1 + round(self.settings.qat_ranges_share * self.num_steps):
            self.graph.apply(disable_observer)


def rounding(runtime: TorchRuntime) -> fx.GraphModule:
    """Returns the network as a graph that rounds, in training mode; dropout is off and the embeddings are frozen.

    What the quantizer knows no rounding for is left in float there.
    """
    network = copy.deepcopy(runtime.network)
    set_dropout(network, 0.0)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_("embeddings." not in name)
    with quiet():
        wrapped, shapes = Classifier(network, runtime.card.names).train(), (dynamic_shapes(runtime.card),)
        exported = torch.export.export(wrapped, examples(runtime), dynamic_shapes=shapes).module()
        # It was exported in training mode. `move_exported_model_to_train` would put a dropout of 0.5 in place of each that is off.
        graph: fx.GraphModule = prepare_qat_pt2e(exported, quantizer())
    return graph


def quantizer() -> Any:
    """Eight bits for what convolutions and matrix products are given, and for their weights by channel."""
    # Imported here: it loads torch's compiler, and with it whatever caches that knows of.
    import torchao.quantization.pt2e.quantizer.x86_inductor_quantizer as x86

    made = x86.X86InductorQuantizer()
    made.set_global(x86.get_default_x86_inductor_quantization_config(is_qat=True))
    return made


def freeze_statistics(graph: fx.GraphModule) -> None:
    """From here on batch norms use the statistics that they have."""
    for node in graph.graph.nodes:
        if node.target is BATCH_NORM:
            node.update_arg(USES_BATCH, False)
    graph.recompile()


def shuffled(samples: Samples, batch_size: int) -> Iterator[list[Index]]:
    """Yields batches for ever, each pass over the samples in a new order; what does not fill a batch is drawn in another pass."""
    order, rng = samples.in_order(), np.random.default_rng(SEED)
    size = min(batch_size, len(order))
    while True:
        mixed = rng.permutation(len(order))
        for start in range(0, len(order) - size + 1, size):
            yield [order[number] for number in mixed[start : start + size]]


def train_aware(runtime: TorchRuntime, samples: Samples, settings: Quantization, events: EventLog) -> fx.GraphModule:
    """Returns the graph as the training leaves it. Tells of its start and of every step, as a stage does.

    Raises NotANumberError when the loss is no number any more.
    """
    torch.manual_seed(SEED)
    training = Training(runtime, samples, settings)
    events.emit("started", **told_at_start(training))
    system = SystemFigures()
    for _ in range(training.num_steps):
        began = time.perf_counter()
        values = {name: float(value) for name, value in training.train_step().items()}
        values[SAMPLES_PER_SECOND] = settings.qat_batch_size / (time.perf_counter() - began)
        events.emit("stepped", step=training.step, metrics=values | system.sample())
        if not np.isfinite(values[LOSS]):
            raise NotANumberError(f"the loss of the quantization-aware training is no number at step {training.step}")
    return training.graph


def write_int8(graph: fx.GraphModule, runtime: TorchRuntime, path: Path) -> None:
    """Writes the trained graph as ONNX: weights as bytes, the ranges as learned, and the embeddings, not trained, as bytes too."""
    with quiet():
        move_exported_model_to_eval(graph)
        converted = convert_pt2e(graph)
        program = torch.export.export(converted, examples(runtime), dynamic_shapes=dynamic_shapes(runtime.card))
    write_program(program, runtime.card.names, path)
    round_tables(path)


def told_at_start(training: Training) -> dict[str, Any]:
    return {
        "num_steps": training.num_steps,
        "first_step": 1,
        "resumed_from": None,
        "device": describe(training.trained[0].device),
        "num_threads": torch.get_num_threads(),
        "num_parameters": sum(each.numel() for each in training.graph.parameters()),
        "num_trainable": sum(each.numel() for each in training.trained),
    }
