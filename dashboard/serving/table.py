"""The deployment table of a load test as the page shows it, and what its chart draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.numbers import MISSING, number
from dashboard.runs.models import HELD, LoadTest, Run, Status

NAMES = {"http": "HTTP", "grpc": "gRPC"}
DRAWN = ("protocol", "concurrency", "throughput_per_s", "latency_ms_p99")


@dataclass(frozen=True)
class Line:
    """A load test in the list of those of a run."""

    test: LoadTest

    @property
    def is_under_way(self) -> bool:
        return self.test.status in (*HELD, Status.QUEUED)

    @property
    def most(self) -> dict[str, Any] | None:
        """The point with the highest throughput."""
        return max(self.test.rows, key=lambda row: row["throughput_per_s"], default=None)


def lines(run: Run) -> list[Line]:
    """The newest first."""
    return [Line(test) for test in LoadTest.objects.filter(run=run).select_related("asked_by").order_by("-pk")]


def rows(test: LoadTest) -> list[dict[str, Any]]:
    return [{**row, **in_words(row)} for row in test.rows]


def in_words(row: dict[str, Any]) -> dict[str, str]:
    return {
        "name": NAMES[row["protocol"]],
        "batches": batches(row["batch_sizes"]),
        "mean": mean(row["mean_batch_size"]),
        "per_1000": money(row["cost_per_1000_requests"]),
        "per_million": money(row["cost_per_million_tokens"]),
    }


def mean(size: float | None) -> str:
    return MISSING if size is None else f"{size:.1f}"


def money(value: float | None) -> str:
    """Two significant digits of a small sum, never an exponent: 0.00022, 12.50."""
    if value is None:
        return MISSING
    decimals = max(2, 1 - math.floor(math.log10(value))) if value else 2
    return f"{value:,.{decimals}f}"


def batches(sizes: dict[str, int]) -> str:
    """How often each batch size was computed: `1×330, 4×12`."""
    return ", ".join(f"{size}×{number(count)}" for size, count in sorted(sizes.items(), key=lambda pair: int(pair[0])))


def drawn(test: LoadTest) -> list[dict[str, Any]]:
    return [{"name": NAMES[row["protocol"]], **{name: row[name] for name in DRAWN}} for row in test.rows]


def answer(test: LoadTest) -> str:
    """What the table says, in one sentence."""
    best = Line(test).most
    if best is None:
        return ""
    words = {
        "rate": number(best["throughput_per_s"]),
        "name": NAMES[best["protocol"]],
        "count": best["concurrency"],
        "p99": number(best["latency_ms_p99"], 3),
        "precision": test.asked["precision"].upper(),
    }
    return _("%(precision)s answers %(rate)s requests a second over %(name)s, %(count)s at a time; p99 %(p99)s ms") % words


def remark(test: LoadTest) -> str:
    """What such a request costs, and whether batches formed."""
    best = Line(test).most
    if best is None:
        return ""
    said = _("Batches of %(size)s on average.") % {"size": mean(best["mean_batch_size"])}
    if best["cost_per_1000_requests"] is not None:
        said += " " + _("1,000 requests cost %(cost)s.") % {"cost": money(best["cost_per_1000_requests"])}
    if best["cost_per_million_tokens"] is not None:
        said += " " + _("A million tokens cost %(cost)s.") % {"cost": money(best["cost_per_million_tokens"])}
    return said
