"""What the tab of a run shows of its served model: the load tests, the table of one, and the configuration it was served with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from dashboard.runs.models import LoadTest, Run
from dashboard.serving import table
from dashboard.serving.exports import newest_export
from trainer.config.serving import LoadTestJob, Serving

MAX_CONFIG_BYTES = 100_000
# The form's fields in their order; what they mean stands in the config.
LABELS = {"concurrencies": _("Clients at a time"), "seconds": _("Time of a point"), "hourly_price": _("Price of the machine for an hour")}
SERVER_LABELS = {
    "instances": _("Instances"),
    "max_queue_delay_us": _("Longest wait for a batch"),
    "max_batch_size": _("Largest batch"),
    "num_threads": _("Threads of an instance"),
}
DESCRIBED = LoadTestJob.model_fields | Serving.model_fields


def content(request: HttpRequest, run: Run) -> dict[str, Any]:
    """`?test=ID` chooses one; without it the newest that has measured something, or the newest of all."""
    found = table.lines(run)
    measured = next((line for line in found if line.test.rows), None)
    under_way = next((line for line in found if line.is_under_way), None)
    asked = next((line for line in found if str(line.test.pk) == request.GET.get("test")), None)
    chosen = asked or under_way or measured or (found[0] if found else None)
    context = {
        "load_tests": found,
        "chosen": chosen,
        "export": newest_export(run),
        "fields": fields(request, LABELS),
        "server_fields": fields(request, SERVER_LABELS),
    }
    return context | (shown(chosen.test) if chosen else {})


def shown(test: LoadTest) -> dict[str, Any]:
    return {
        "answer": table.answer(test),
        "remark": table.remark(test),
        "rows": table.rows(test),
        "drawn": table.drawn(test),
        "repository": repository_of(test),
        "configs": configs(test),
        "seconds": f"{test.asked['seconds']:g}",
    }


def fields(request: HttpRequest, labels: Mapping[str, Any]) -> list[dict[str, Any]]:
    """With the help and the unit of the config, and what was typed before or the default."""
    return [
        {
            "name": name,
            "label": label,
            "help": DESCRIBED[name].description,
            "unit": (DESCRIBED[name].json_schema_extra or {}).get("unit", ""),  # type: ignore[union-attr]
            "value": request.POST.get(name, written(DESCRIBED[name].default)),
        }
        for name, label in labels.items()
    ]


def written(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"


def repository_of(test: LoadTest) -> Path | None:
    """None where it is not on this machine's disk."""
    path = settings.RUNS_DIR / test.repository
    return path if test.repository and path.is_dir() else None


def configs(test: LoadTest) -> list[tuple[str, str]]:
    """Name and configuration of each model of the repository."""
    folder = repository_of(test)
    if folder is None:
        return []
    found = sorted(folder.glob("*/config.pbtxt"))
    return [(path.parent.name, path.read_text()) for path in found if path.stat().st_size <= MAX_CONFIG_BYTES]
