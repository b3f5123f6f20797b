"""What the tab of a run shows of its served model: the load tests, the table of one, and the configuration it was served with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from dashboard.runs.models import LoadTest, Run, Status
from dashboard.serving import table
from dashboard.serving.exports import newest_export
from trainer.config.serving import LoadTestJob, Serving

MAX_CONFIG_BYTES = 100_000
# The form's fields in their order, by the parts of the config that they belong to.
OF_TEST = ("concurrencies", "seconds", "hourly_price")
OF_SERVER = ("instances", "max_queue_delay_us", "max_batch_size", "num_threads")


def content(request: HttpRequest, run: Run) -> dict[str, Any]:
    """`?test=ID` chooses one; without it the newest that has measured something, or the newest of all."""
    found = table.lines(run)
    measured = next((line for line in found if line.test.rows), None)
    under_way = next((line for line in found if line.is_under_way), None)
    asked = next((line for line in found if str(line.test.pk) == request.GET.get("test")), None)
    chosen = asked or under_way or measured or (found[0] if found else None)
    context = {"load_tests": found, "chosen": chosen, "export": newest_export(run), "fields": fields(request)}
    return context | (shown(chosen.test) if chosen else {})


def shown(test: LoadTest) -> dict[str, Any]:
    return {
        "answer": table.answer(test),
        "remark": table.remark(test),
        "rows": table.rows(test),
        "drawn": table.drawn(test),
        "repository": repository_of(test),
        "configs": configs(test),
        "ended_badly": test.status == Status.FAILED,
    }


def fields(request: HttpRequest) -> list[dict[str, Any]]:
    """Name, label from the config's own words, and what was typed before or the default."""
    described = [(name, LoadTestJob.model_fields[name]) for name in OF_TEST] + [(name, Serving.model_fields[name]) for name in OF_SERVER]
    return [
        {
            "name": name,
            "label": name.replace("_us", "").replace("_", " ").capitalize(),
            "help": field.description,
            "unit": (field.json_schema_extra or {}).get("unit", "") if isinstance(field.json_schema_extra, dict) else "",
            "value": request.POST.get(name, ", ".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default),
        }
        for name, field in described
    ]


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
