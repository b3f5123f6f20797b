"""The README of a version: what it is, what was measured, where it comes from, how it is used. Written once, when it is registered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dashboard.registry.models import FP32

IMAGE_TEXT = "image_text"


def readme_of(lineage: Mapping[str, Any], inputs: str) -> str:
    """`inputs` is what a classifier looks at ("" for a model that is none)."""
    parts = [
        [f"# {lineage['model']}, version {lineage['version']}", "", summary(lineage)],
        ["## Measured", "", *table(("metric", "value"), lineage["metrics"].items())] if lineage["metrics"] else [],
        ["## Where it comes from", "", *table(("stage", "name", "tasks", "steps", "data"), stages(lineage))],
        ["## Data", "", *table(("data set", "fingerprint", "licence"), data(lineage))] if lineage["data"] else [],
        ["## Use", "", "`sha256sum -c SHA256SUMS` checks the files. Then, where Anneal's trainer is installed:", "", *use(lineage, inputs)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def summary(lineage: Mapping[str, Any]) -> str:
    run, torch = lineage["run"], lineage["code"]["torch"]
    what = f"{lineage['precision'].upper()} of stage {lineage['stage']} of run #{run['number']} {plain(run['name'])}"
    who = f"project {run['project']}, registered by {plain(lineage['registered_by'])} at {lineage['registered_at']}"
    trained = f"Trainer version {lineage['code']['trainer']}" + (f", PyTorch {torch}" if torch else "")
    return f"{what}, {who}. {trained}. `lineage.json` holds the whole config."


def stages(lineage: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for stage in lineage["stages"]:
        yield stage["index"], stage["name"], ", ".join(stage["tasks"]), stage["steps"], ", ".join(stage["data"])


def data(lineage: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for name, told in lineage["data"].items():
        yield name, told["fingerprint"] or "unknown", told.get("licence") or "not given"


def use(lineage: Mapping[str, Any], inputs: str) -> list[str]:
    """Commands that work on the unpacked folder."""
    if lineage["config"]["model"].get("family", IMAGE_TEXT) != IMAGE_TEXT or not inputs:
        return code("python -m trainer export model --format transformers --to transformers")
    asked = {"image": "--image picture.jpg", "text": '--text "a sentence"'}
    given = " ".join(option for name, option in asked.items() if name in inputs)
    precision = "" if lineage["precision"] == FP32 else f" --precision {lineage['precision']}"
    return code(f"python -m trainer predict model {given}{precision}")


def code(line: str) -> list[str]:
    return ["```", line, "```"]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    return [f"| {' | '.join(plain(cell) for cell in row)} |" for row in (head, ["---"] * len(head), *rows)]


def plain(value: Any) -> str:
    """On one line, and no mark-up of a table."""
    return " ".join(str(value).split()).replace("|", "\\|")
