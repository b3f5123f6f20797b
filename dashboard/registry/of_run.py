"""Which versions were registered from a run: what its page shows beside stages and quantization."""

from __future__ import annotations

from collections import defaultdict

from dashboard.registry.models import Version
from dashboard.registry.rows import LONG
from dashboard.runs.models import Run


def versions_by_stage(run: Run) -> dict[int, list[Version]]:
    """Oldest first. One query."""
    found: dict[int, list[Version]] = defaultdict(list)
    for version in Version.objects.filter(run=run).select_related("model").defer(*LONG).order_by("pk"):
        found[version.stage_index].append(version)
    return dict(found)
