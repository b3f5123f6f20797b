"""How fast an attempt goes: what estimates and the limits of freshness are measured by."""

from __future__ import annotations

from dashboard.runs.models import Attempt

FEWEST_STEPS = 5


def seconds_per_step(attempt: Attempt | None) -> float | None:
    """Since the attempt started; None before it has made a few steps."""
    if attempt is None or attempt.last_point_at is None or attempt.last_step is None:
        return None
    made = attempt.last_step - (attempt.first_step or 1) + 1
    if made < FEWEST_STEPS:
        return None
    elapsed: float = (attempt.last_point_at - attempt.started_at).total_seconds()
    return elapsed / made
