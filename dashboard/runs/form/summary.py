"""The list of what is wrong, each with a link to its field and the words that say where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.runs.form.complaints import Complaints
from dashboard.runs.form.fields import lookup
from dashboard.runs.form.words import LABELS


@dataclass(frozen=True)
class Complaint:
    """`target` is the id of the input, or of the group, that the link leads to."""

    target: str
    where: str
    message: str


def summary_of(errors: Complaints, document: Mapping[str, Any]) -> list[Complaint]:
    return [Complaint(target(path), where(path, document), message) for path, messages in errors.items() for message in messages]


def target(path: str) -> str:
    return f"{path}.patterns" if path.endswith(".trainable") else path


def where(path: str, document: Mapping[str, Any]) -> str:
    """Stage 2 (Enhancement), Peak rate."""
    steps = path.split(".")
    last = next((step for step in reversed(steps) if not step.isdigit()), path)
    if len(steps) < 3 or steps[0] != "stages" or not steps[1].isdecimal() or len(steps[1]) > 4:
        return str(LABELS.get(path) or LABELS.get(last, path))
    label = LABELS.get(last, ".".join(steps[2:]))
    name = lookup(document, ".".join(steps[:2]) + ".name") or _("no name")
    return _("Stage %(number)s (%(name)s), %(field)s") % {"number": int(steps[1]) + 1, "name": name, "field": label}
