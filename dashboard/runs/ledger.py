"""The ledger of a quantization: what each precision costs and gains against the first one measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.numbers import points, times
from dashboard.runs.models import Quantization

NAMES = {"fp32": "FP32", "bf16": "BF16", "fp16": "FP16", "int8": "INT8"}


@dataclass(frozen=True)
class Line:
    """One precision as measured. `smaller` is the size ratio, `drop` the change of accuracy, both against the reference."""

    precision: str
    name: str
    runtime: str
    size_bytes: int | None
    smaller: float | None
    latency_ms_p50: float | None
    latency_ms_p99: float | None
    throughput_per_s: float | None
    accuracy: float | None
    drop: float | None
    macro_f1: float | None
    is_reference: bool


@dataclass(frozen=True)
class Ledger:
    lines: list[Line]
    num_samples: int | None

    @property
    def answer(self) -> str:
        """What the smallest precision gains and costs, in one sentence; empty until it and the reference are measured."""
        reference = next((line for line in self.lines if line.is_reference), None)
        other = min((line for line in self.lines if not line.is_reference), key=lambda line: line.size_bytes or 0, default=None)
        if not reference or not other or not other.latency_ms_p50 or not reference.latency_ms_p50 or other.drop is None:
            return ""
        speed = reference.latency_ms_p50 / other.latency_ms_p50
        words = {"name": other.name, "smaller": times(other.smaller), "reference": reference.name, "drop": points(other.drop)}
        words["speed"] = times(speed if speed >= 1 else 1 / speed)
        if speed >= 1:
            return _("%(name)s is %(smaller)s smaller and %(speed)s faster than %(reference)s; accuracy %(drop)s") % words
        return _("%(name)s is %(smaller)s smaller but %(speed)s slower than %(reference)s; accuracy %(drop)s") % words

    @property
    def answer_samples(self) -> int | None:
        """The drop as whole samples, because a small split moves in large steps."""
        other = min((line for line in self.lines if not line.is_reference), key=lambda line: line.size_bytes or 0, default=None)
        if not self.num_samples or not other or other.drop is None:
            return None
        return abs(round(other.drop * self.num_samples))

    @property
    def drawn(self) -> list[dict[str, Any]]:
        """What the chart of accuracy against latency shows."""
        names = ("name", "precision", "latency_ms_p50", "accuracy", "size_bytes")
        complete = [line for line in self.lines if line.latency_ms_p50 is not None and line.accuracy is not None]
        return [{name: getattr(line, name) for name in names} for line in complete]


def ledger_of(job: Quantization) -> Ledger:
    """The reference is FP32, or the first row while that one is still missing."""
    rows = job.rows
    reference = next((row for row in rows if row.get("precision") == "fp32"), rows[0] if rows else {})
    lines = [line(row, reference) for row in rows]
    return Ledger(lines, next((row["num_samples"] for row in rows if row.get("num_samples")), None))


def line(row: dict[str, Any], reference: dict[str, Any]) -> Line:
    size, accuracy = row.get("size_bytes"), row.get("accuracy")
    return Line(
        precision=row["precision"],
        name=NAMES.get(row["precision"], row["precision"].upper()),
        runtime=row.get("runtime", ""),
        size_bytes=size,
        smaller=reference["size_bytes"] / size if size and reference.get("size_bytes") else None,
        latency_ms_p50=row.get("latency_ms_p50"),
        latency_ms_p99=row.get("latency_ms_p99"),
        throughput_per_s=row.get("throughput_per_s"),
        accuracy=accuracy,
        drop=accuracy - reference["accuracy"] if accuracy is not None and reference.get("accuracy") is not None else None,
        macro_f1=row.get("macro_f1"),
        is_reference=row is reference,
    )
