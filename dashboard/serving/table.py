"""The deployment table of a load test as the page shows it, and what its chart draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.numbers import number
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
    return [{**row, "name": NAMES[row["protocol"]], "batches": batches(row["batch_sizes"])} for row in test.rows]


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
    said = _("Batches of %(size)s on average.") % {"size": number(best["mean_batch_size"], 3)}
    if best["cost_per_1000_requests"] is not None:
        said += " " + _("1,000 requests cost %(cost)s.") % {"cost": number(best["cost_per_1000_requests"], 3)}
    if best["cost_per_million_tokens"] is not None:
        said += " " + _("A million tokens cost %(cost)s.") % {"cost": number(best["cost_per_million_tokens"], 3)}
    return said
