"""The ledger of a quantization: what each precision costs and gains against FP32, and what the export gate says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dashboard.numbers import number, percent, points, times
from dashboard.runs.models import Quantization

NAMES = {
    "fp32_eager": gettext_lazy("FP32 in PyTorch"),
    "fp32": "FP32",
    "bf16": "BF16",
    "fp16": "FP16",
    "int8": "INT8",
    "int8_ptq": "INT8 PTQ",
    "int8_qat": "INT8 QAT",
    "int8_weight": gettext_lazy("INT8 weights"),
    "int8_dynamic": gettext_lazy("INT8 dynamic"),
}
# What a row may lack: one that is not complete yet, and one of an earlier version.
FIGURES = (
    "method", "runtime", "size_bytes", "embedding_bytes", "float_layers", "latency_ms_p50", "latency_ms_p99", "batch_size", "batch_ms_p50",
    "batch_ms_p99", "throughput_per_s", "cpu_ms_per_sample", "peak_memory_bytes", "num_samples", "accuracy", "accuracy_interval",
    "macro_f1", "macro_f1_interval", "f1_by_class", "drop_interval", "snr_db", "num_flipped", "calibration",
    "split", "num_tokens", "loss", "perplexity", "perplexity_interval", "bits_per_byte", "bits_per_byte_interval", "flipped_share",
    "prompt_tokens", "tokens_per_s",
)  # fmt: skip
REFERENCE, EAGER = "fp32", "fp32_eager"
Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One precision as measured. `smaller` is the size ratio, `drop` the change of accuracy, both against the reference.

    `gate` is "reference", "pass", "over", or empty where the gate has nothing to say.
    """

    row: Row
    name: str
    smaller: float | None
    drop: float | None
    gate: str
    is_reference: bool
    is_winner: bool

    @property
    def precision(self) -> str:
        found: str = self.row["precision"]
        return found

    def faster_than(self, other: Row | None) -> float | None:
        """Returns how many times as fast it is at batch 1."""
        own = self.row.get("latency_ms_p50")
        return other["latency_ms_p50"] / own if other and own and other.get("latency_ms_p50") else None

    @property
    def weights_bytes(self) -> int | None:
        """The size on disk without the embeddings."""
        size, tables = self.row.get("size_bytes"), self.row.get("embedding_bytes")
        return size - tables if size is not None and tables is not None else None


@dataclass(frozen=True)
class Ledger:
    lines: list[Line]
    max_drop: float | None
    passes: bool | None

    def line(self, precision: str) -> Line | None:
        return next((line for line in self.lines if line.precision == precision), None)

    @property
    def limit(self) -> str:
        """The points that the gate lets through, in words."""
        return "" if self.max_drop is None else f"{self.max_drop:g}"

    @property
    def num_samples(self) -> int | None:
        return next((line.row["num_samples"] for line in self.lines if line.row.get("num_samples")), None)

    @property
    def of_language(self) -> Row | None:
        """A row of a language model, which predicts tokens and knows no classes; None where samples are classified."""
        return next((line.row for line in self.lines if line.row.get("perplexity") is not None), None)

    @property
    def hero(self) -> Line | None:
        """The line that the answer is about: the winner, or the smallest where no gate has spoken."""
        winner = next((line for line in self.lines if line.is_winner), None)
        others = [line for line in self.lines if not line.is_reference and line.row.get("size_bytes")]
        return winner or min(others, key=lambda line: line.row["size_bytes"], default=None)

    @property
    def answer(self) -> str:
        """What the winner gains and costs, in one sentence; empty until it and the reference are measured."""
        reference, hero = next((line for line in self.lines if line.is_reference), None), self.hero
        speed = hero.faster_than(reference.row) if hero and reference else None
        if not reference or not hero or speed is None or hero.drop is None:
            return ""
        words = {"name": hero.name, "smaller": times(hero.smaller), "reference": reference.name, "drop": points(hero.drop)}
        words["speed"] = times(speed if speed >= 1 else 1 / speed)
        words["figure"] = _("next-token accuracy") if self.of_language else _("accuracy")
        if speed >= 1:
            return _("%(name)s is %(smaller)s smaller and %(speed)s faster than %(reference)s; %(figure)s %(drop)s") % words
        return _("%(name)s is %(smaller)s smaller but %(speed)s slower than %(reference)s; %(figure)s %(drop)s") % words

    @property
    def remarks(self) -> list[str]:
        """What else one must know to decide: the drop in samples or tokens, its interval, the speed against PyTorch, the verdict."""
        changed = self.in_tokens() if self.of_language else self.in_samples()
        return [remark for remark in (changed, self.against_pytorch(), self.verdict()) if remark]

    def in_samples(self) -> str:
        """A small split moves in large steps."""
        hero, num = self.hero, self.num_samples
        if not hero or hero.drop is None or not num:
            return ""
        changed = abs(round(hero.drop * num))
        told = ngettext(
            "%(changed)s of %(number)s test samples more or fewer right",
            "%(changed)s of %(number)s test samples more or fewer right",
            changed,
        ) % {"changed": number(changed), "number": number(num)}
        if interval := hero.row.get("drop_interval"):
            told += _(", 95 %% interval of the change %(low)s to %(high)s") % gained(interval)
        return f"{told}."

    def in_tokens(self) -> str:
        """Perplexity and bits per byte of the winner beside those of the reference, and how sure the change of accuracy is."""
        hero, reference = self.hero, next((line for line in self.lines if line.is_reference), None)
        if not hero or not reference or hero.drop is None or reference.row["perplexity"] is None:
            return ""
        words = {"own": number(hero.row["perplexity"]), "whole": number(reference.row["perplexity"]), "reference": reference.name}
        told = _("Perplexity %(own)s, of %(reference)s %(whole)s") % words
        if hero.row["flipped_share"] is not None:
            told += _("; %(share)s of the next tokens differ") % {"share": percent(hero.row["flipped_share"])}
        if interval := hero.row.get("drop_interval"):
            told += _("; accuracy changes by %(low)s to %(high)s (95 %%)") % gained(interval)
        return f"{told}."

    def against_pytorch(self) -> str:
        hero, eager = self.hero, self.line(EAGER)
        speed = hero.faster_than(eager.row) if hero and eager else None
        return _("At batch 1 it is %(speed)s as fast as FP32 in PyTorch.") % {"speed": times(speed)} if speed else ""

    def verdict(self) -> str:
        if self.passes is None or not self.hero:
            return ""
        words = {"name": self.hero.name, "limit": self.limit}
        if self.of_language:
            return self.verdict_on_language(words)
        if self.passes:
            return _("%(name)s won and is offered for serving: the gate lets through what loses at most %(limit)s points.") % words
        return _("No INT8 is offered for serving: even %(name)s, the best, loses more than the %(limit)s points of the gate.") % words

    def verdict_on_language(self, words: dict[str, str]) -> str:
        """Nothing serves language models yet."""
        if self.passes:
            return _("%(name)s won: the gate lets through what loses at most %(limit)s points of next-token accuracy.") % words
        return _("No INT8 passes the gate: even %(name)s, the best, loses more than its %(limit)s points of next-token accuracy.") % words

    @property
    def drawn(self) -> dict[str, Any]:
        """What the chart of accuracy against latency shows."""
        complete = [line for line in self.lines if line.row.get("latency_ms_p50") is not None and line.row.get("accuracy") is not None]
        names = ("precision", "latency_ms_p50", "accuracy", "size_bytes")
        drawn = [{"name": line.name, **{name: line.row.get(name) for name in names}} for line in complete]
        reference = next((line.row["accuracy"] for line in complete if line.is_reference), None)
        limit = reference - self.max_drop / 100 if reference is not None and self.max_drop is not None else None
        return {
            "points": drawn,
            "limit": limit,
            "gate": _("gate: what loses over %(limit)s pt is not offered") % {"limit": self.limit},
        }

    @property
    def classes(self) -> list[tuple[str, list[tuple[Line, float, float | None]]]]:
        """Per class the F1 of each line, and its change from the reference."""
        reference = next((line for line in self.lines if line.is_reference and line.row.get("f1_by_class")), None)
        if reference is None:
            return []
        told = [line for line in self.lines if line.row.get("f1_by_class") and line.precision != EAGER]
        return [
            (
                name,
                [
                    (line, line.row["f1_by_class"][name], None if line is reference else line.row["f1_by_class"][name] - whole)
                    for line in told
                ],
            )
            for name, whole in reference.row["f1_by_class"].items()
        ]

    @property
    def who_pays(self) -> str:
        """The class that the winner costs most, where it costs any."""
        paid = [(change, name) for name, cells in self.classes for line, _f1, change in cells if line is self.hero and change is not None]
        if not paid or min(paid)[0] > -0.0005 or not self.hero:
            return ""
        change, name = min(paid)
        words = {"class": name.capitalize(), "precision": self.hero.name, "change": points(change)}
        return _("%(class)s pays most for %(precision)s: %(change)s of F1.") % words


def gained(lost: Sequence[float]) -> dict[str, str]:
    """The interval of a drop in points as that of a change, in words."""
    return {"low": points(-lost[1] / 100), "high": points(-lost[0] / 100)}


def ledger_of(job: Quantization) -> Ledger:
    """The reference is FP32, or the first row while that one is still missing."""
    reference = next((row for row in job.rows if row.get("precision") == REFERENCE), job.rows[0] if job.rows else {})
    return Ledger([line(row, reference, job.gate) for row in job.rows], job.gate.get("max_drop"), job.gate.get("passes"))


def line(row: Row, reference: Row, gate: dict[str, Any]) -> Line:
    size, accuracy = row.get("size_bytes"), row.get("accuracy")
    return Line(
        row={**dict.fromkeys(FIGURES), **row},
        name=name_of(row["precision"]),
        smaller=reference["size_bytes"] / size if size and reference.get("size_bytes") else None,
        drop=accuracy - reference["accuracy"] if accuracy is not None and reference.get("accuracy") is not None else None,
        gate=verdict_on(row, reference, gate),
        is_reference=row is reference,
        is_winner=row["precision"] == gate.get("winner"),
    )


def name_of(precision: str) -> str:
    return str(NAMES.get(precision, precision.upper()))


def verdict_on(row: Row, reference: Row, gate: dict[str, Any]) -> str:
    """The gate is for INT8 alone."""
    if row is reference:
        return "reference"
    drop = gate.get("drops", {}).get(row["precision"])
    return "" if drop is None else "pass" if drop <= gate["max_drop"] + 1e-9 else "over"
