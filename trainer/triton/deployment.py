"""A row of the deployment table: what the clients of one point saw, and what it costs at the price of the machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

HOUR_S = 3600
TABLE = "deployment.json"


def row(latencies_s: list[float], errors: Counter[str], took_s: float, batches: Counter[int]) -> dict[str, Any]:
    """Latencies in ms, throughput in answered requests a second, `batch_sizes` how many times a batch of a size was computed."""
    p50, p99 = np.percentile(latencies_s, (50, 99)) * 1000
    samples = sum(size * count for size, count in batches.items())
    return {
        "num_requests": len(latencies_s),
        "num_errors": errors.total(),
        "throughput_per_s": round(len(latencies_s) / took_s, 2),
        "latency_ms_p50": round(float(p50), 3),
        "latency_ms_p99": round(float(p99), 3),
        "batch_sizes": {str(size): count for size, count in sorted(batches.items())},
        "mean_batch_size": round(samples / batches.total(), 2) if batches else None,
    }


def costs(throughput_per_s: float, hourly_price: float, tokens_per_request: float | None) -> dict[str, float | None]:
    """At that throughput for a whole hour; None where no price was told, and per tokens where the model reads no text."""
    if not hourly_price:
        return {"cost_per_1000_requests": None, "cost_per_million_tokens": None}
    each = hourly_price / (HOUR_S * throughput_per_s)
    per_token = each / tokens_per_request * 1e6 if tokens_per_request else None
    return {"cost_per_1000_requests": each * 1000, "cost_per_million_tokens": per_token}
