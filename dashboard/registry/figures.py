"""The figures of versions: the one that a list shows, and two versions side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from dashboard.numbers import times
from dashboard.registry.models import Version
from dashboard.runs.results import LABELS, is_share
from trainer.events import decode

# The first metric that ends with the first of these stands for the version.
HEADLINES = ("test/accuracy", "validation/accuracy", "/perplexity", "/bits_per_byte", "test/loss", "validation/loss")
LESS_IS_BETTER = ("loss", "latency", "perplexity", "bits_per_byte", "calibration_error", "size")
# Below it two sizes are told as the same.
SAME_SIZE = 1.05
MORE: dict[str, Any] = {
    "latency_ms_p50": _("Latency p50, ms"),
    "latency_ms_p99": _("Latency p99, ms"),
    "throughput_per_s": _("Samples/s"),
    "size_bytes": _("Size"),
}


@dataclass(frozen=True)
class Figure:
    """One metric of one version."""

    metric: str
    value: float

    @property
    def label(self) -> Any:
        return LABELS.get(self.metric) or MORE.get(self.metric) or self.metric

    @property
    def is_share(self) -> bool:
        return is_share(self.metric)

    @property
    def is_size(self) -> bool:
        return self.metric == "size_bytes"


@dataclass(frozen=True)
class Pair:
    """One metric of two versions, either of which may lack it. `better` is of the second; None where nothing can be said."""

    first: Figure | None
    second: Figure | None

    @property
    def shown(self) -> Figure:
        found = self.first or self.second
        assert found
        return found

    @property
    def change(self) -> float | None:
        return self.second.value - self.first.value if self.first and self.second else None

    @property
    def ratio(self) -> str:
        """How many times smaller or larger the second is, a dot for about the same: said of sizes alone."""
        if not self.first or not self.second or not self.first.is_size:
            return ""
        small, large = sorted((self.first.value, self.second.value))
        if not self.change or large / small < SAME_SIZE:
            return "·"
        words = _("%(times)s smaller") if self.change < 0 else _("%(times)s larger")
        return words % {"times": times(large / small)}

    @property
    def better(self) -> bool | None:
        if not self.change or self.ratio == "·":
            return None
        return (self.change > 0) != any(word in self.shown.metric for word in LESS_IS_BETTER)


def figures_of(version: Version) -> dict[str, Figure]:
    values: Mapping[str, Any] = {**version.metrics, "size_bytes": version.size_bytes}
    return {name: Figure(name, decode(value)) for name, value in values.items()}


def in_order(metrics: Iterable[str]) -> list[str]:
    """Those with a name of their own first, then the others by name; the size last."""
    names = [*LABELS, *MORE]
    return sorted(metrics, key=lambda name: (name == "size_bytes", names.index(name) if name in names else len(names), name))


def headline(version: Version) -> Figure | None:
    for ending in HEADLINES:
        for name, value in version.metrics.items():
            if name.endswith(ending):
                return Figure(name, decode(value))
    return None


def pairs(first: Version, second: Version) -> list[Pair]:
    one, other = figures_of(first), figures_of(second)
    return [Pair(one.get(name), other.get(name)) for name in in_order({**one, **other})]
