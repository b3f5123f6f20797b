"""What the scripts of the run page say; they put in what stands in brackets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

# The metrics beneath the large charts.
METRICS: dict[str, Any] = {
    "metrics": _("{count} metrics"),
    "metrics_of": _("{count} of {total} metrics"),
    "new_metrics": _("{count} new, show"),
    "no_metrics": _("No metric yet. They appear as they come."),
    "no_metric_fits": _("No metric fits."),
    "pinned": _("Pinned"),
    "other_metrics": _("others"),
}
# Search, and answers to what a person does.
ACTS: dict[str, Any] = {
    "copied": _("Copied"),
    "lines": _("{count} lines"),
    "line_of": _("{at} of {count}"),
    "found": _("{count} found"),
    "new_lines": _("{count} new lines"),
    "no_new_lines": _("Follow"),
    "bad_pattern": _("Not a pattern: {problem}"),
    "copy_line": _("Copy this line"),
}
WORDS: dict[str, Any] = {**METRICS, **ACTS}
