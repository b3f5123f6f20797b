"""The server and the page's scripts judge freshness by the same rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.runs.freshness import freshness

CASES = json.loads((Path(__file__).parents[1] / "freshness.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_freshness_follows_the_rate_of_points_and_the_heartbeat(case: dict[str, Any]) -> None:
    given = {"status": case.get("status", "running"), "interval_s": case.get("interval", 0.0), "heartbeat_s": case.get("heartbeat")}
    assert freshness(case["age"], **given) == case["word"]
