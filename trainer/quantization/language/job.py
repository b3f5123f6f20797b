"""The quantization of a causal language model: its graphs and weights in every precision, measured side by side, and the gate's verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from trainer.config import LanguageModel, QuantizationJob
from trainer.device import set_threads
from trainer.events import EventLog
from trainer.export import give_name, new_partial, parity_fields
from trainer.manifest import MANIFEST, verify, write_manifest
from trainer.models import language, tokenizers
from trainer.quantization.gate import judge
from trainer.quantization.language import graph, weights
from trainer.quantization.language.asking import ask
from trainer.quantization.language.comparing import Comparison
from trainer.quantization.language.runtimes import LanguageCard
from trainer.quantization.precisions import BF16_FILE, DYNAMIC, EAGER, HALF, WEIGHT, WHOLE
from trainer.runtimes import CARD

FILES = {WHOLE: "fp32.onnx", HALF: BF16_FILE, WEIGHT: weights.INT8_FILE, DYNAMIC: f"{DYNAMIC}.onnx"}


class Quantizing:
    """A quantization in progress: what is exported lies in a partial folder, which gets its name when the gate has spoken."""

    def __init__(self, job: QuantizationJob, folder: Path, datasets: Sequence[Path], events: EventLog) -> None:
        if not isinstance(job.model, LanguageModel) or job.model.family != "causal_lm":
            raise ValueError(f"model.family: a model of the family {job.model.family} cannot be quantized")
        events.emit("preparing", what="Loading the model and the data")
        set_threads(job.num_threads)
        self.job, self.folder, self.events, self.source = job, folder, events, Path(job.checkpoint)
        verify(self.source)
        self.network = weights.load(self.source, EAGER).eval()
        self.tokenizer, self.max_tokens = tokenizers.from_folder(self.source), job.model.max_tokens
        self.questions, self.asked = ask(job.task, self.tokenizer, self.max_tokens, datasets)
        self.partial = new_partial(folder / "export")
        self.card = LanguageCard(family=job.model.family, vocabulary_size=self.network.config.vocab_size, max_tokens=self.max_tokens)

    def work(self) -> None:
        self.export()
        rows = Comparison(self.job, self.network, self.card, self.partial).run(self.questions, self.asked, self.folder, self.events)
        gate = judge(rows, self.job.quantization.max_drop)
        self.complete(gate=gate)
        give_name(self.partial, self.folder / "export")
        # No sample has an answer that could flip, only tokens have; and none of what serves classifiers knows what to do with these files.
        self.events.emit("judged", **gate.model_dump(), flipped="")
        self.events.emit("finished", results={})

    def export(self) -> None:
        """Writes the graphs, the weights, and what one needs to load them again."""
        self.events.emit("preparing", what="Exporting to ONNX")
        cases = graph.export_onnx(self.network, self.max_tokens, self.partial / FILES[WHOLE])
        self.events.emit("preparing", what="Rounding to INT8")
        graph.make_int8(self.partial / FILES[WHOLE], self.partial / FILES[DYNAMIC])
        weights.write_int8(self.network, self.partial)
        weights.write_bf16(self.network, self.partial)
        documents = {"network": language.sizes(self.network), **tokenizers.documents(self.tokenizer)}
        for name, document in documents.items():
            (self.partial / f"{name}.json").write_text(json.dumps(document, indent=1))
        self.complete(files=FILES, **parity_fields(cases))

    def complete(self, **known: object) -> None:
        """Makes the folder whole by card and manifest."""
        self.card = self.card.model_copy(update=known)
        (self.partial / CARD).write_text(self.card.model_dump_json(indent=1) + "\n")
        (self.partial / MANIFEST).unlink(missing_ok=True)
        write_manifest(self.partial)
