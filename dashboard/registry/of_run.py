"""Which versions were registered from a run: what its page shows beside stages and quantization."""

from __future__ import annotations

from collections import defaultdict

from dashboard.registry.models import FP32, Version
from dashboard.registry.rows import LONG
from dashboard.runs.models import Run


def versions_by_stage(run: Run) -> dict[int, list[Version]]:
    """One query."""
    found: dict[int, list[Version]] = defaultdict(list)
    for version in versions_of(run):
        found[version.stage_index].append(version)
    return dict(found)


def twins_registered(run: Run) -> list[Version]:
    return [version for version in versions_of(run) if version.precision != FP32]


def versions_of(run: Run) -> list[Version]:
    """Oldest first."""
    return list(Version.objects.filter(run=run).select_related("model").defer(*LONG).order_by("pk"))
