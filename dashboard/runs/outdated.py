"""Whether a stage would still be trained to the same weights today: its data, the trainer and the stage before may have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from dashboard.runs.models import Stage
from trainer import VERSION
from trainer.catalog import Card


def out_of_date(stages: Sequence[Stage], cards: Mapping[str, Card]) -> dict[int, str]:
    """Returns the reason by index, for the first stage that something has changed for and for all after it. No query."""
    found: dict[int, str] = {}
    for before, stage in zip((None, *stages), stages, strict=False):
        if before and before.index in found:
            found[stage.index] = _("stage %(index)s is out of date") % {"index": before.index}
        elif stage.inputs and has_begun(stage) and (reason := changed(stage, before, cards)):
            found[stage.index] = reason
    return found


def has_begun(stage: Stage) -> bool:
    """Before that, its key will be made anew from what is there when it starts."""
    return bool(stage.token or stage.reused_from_id)


def changed(stage: Stage, before: Stage | None, cards: Mapping[str, Card]) -> str:
    """What has changed since the stage was trained, "" for nothing."""
    for name, fingerprint in stage.inputs["data"].items():
        if name not in cards:
            return _("data set %(name)s is no longer there") % {"name": name}
        if cards[name].fingerprint != fingerprint:
            return _("data set %(name)s has changed") % {"name": name}
    if before and stage.inputs["parent"] != before.key:
        return _("stage %(index)s was trained on other data since") % {"index": before.index}
    return _("the trainer has changed") if stage.inputs["version"] != VERSION else ""
