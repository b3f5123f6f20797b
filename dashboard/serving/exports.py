"""The export of a run that is served: the files of its newest quantization, and what its card says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from dashboard.runs.models import Quantization, Run

SERVABLE = ("fp32", "int8")
CARD = "model.json"


@dataclass(frozen=True)
class Export:
    """`path` is relative to the folder of all runs; `gate` is the verdict on INT8, empty where there is none or it cannot be read here."""

    path: str
    precisions: tuple[str, ...]
    gate: dict[str, Any]

    def refusal(self, precision: str) -> str:
        """Why a precision is not served; empty where it is."""
        if precision not in self.precisions:
            return _("There is no %(precision)s of this run.") % {"precision": precision.upper()}
        if precision != "fp32" and self.gate and not self.gate["passes"]:
            return _("INT8 did not pass the export gate: it loses more accuracy than the run allows.")
        return ""

    @property
    def served(self) -> list[str]:
        return [precision for precision in self.precisions if not self.refusal(precision)]


def newest_export(run: Run) -> Export | None:
    done = Quantization.objects.filter(run=run).exclude(files={}).order_by("-pk").first()
    if done is None:
        return None
    folder = str(PurePosixPath(next(iter(done.files.values()))).parent)
    return Export(folder, tuple(name for name in SERVABLE if name in done.files), gate_of(folder))


def gate_of(folder: str) -> dict[str, Any]:
    """Where another machine holds the folder, its worker judges for itself."""
    try:
        card: dict[str, Any] = json.loads((settings.RUNS_DIR / folder / CARD).read_text())
    except (OSError, ValueError):
        return {}
    return card.get("gate") or {}
