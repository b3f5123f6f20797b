"""Whether a version may be promoted: a quantized one by the export gate, a checkpoint by having been measured on held-out data."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from dashboard.numbers import MINUS, number, percent
from dashboard.registry.models import FP32, Version

HELD_OUT = "test/"


@dataclass(frozen=True)
class Verdict:
    is_passed: bool
    reason: str


def verdict_of(version: Version) -> Verdict:
    return measured(version) if version.precision == FP32 else exported(version)


def measured(version: Version) -> Verdict:
    found = {name: value for name, value in version.metrics.items() if name.startswith(HELD_OUT)}
    if not found:
        return Verdict(False, _("It was never measured on the test split: evaluate it first."))
    name = "test/accuracy" if "test/accuracy" in found else next(iter(found))
    shown = percent(found[name]) if name == "test/accuracy" else number(found[name])
    return Verdict(True, _("Measured on the test split: %(metric)s %(value)s.") % {"metric": name.removeprefix(HELD_OUT), "value": shown})


def exported(version: Version) -> Verdict:
    if not version.gate:
        return Verdict(False, _("No export gate has spoken of it: quantize the run again."))
    words = {"drop": points(version.gate["drop"]), "limit": points(version.gate["max_drop"])}
    if version.gate["passes"]:
        return Verdict(True, _("It loses %(drop)s points of accuracy; the export gate lets through %(limit)s.") % words)
    return Verdict(False, _("It loses %(drop)s points of accuracy, more than the %(limit)s of the export gate.") % words)


def points(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS)
