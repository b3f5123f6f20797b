"""Aliases are set, moved and removed here, and nowhere else: each time the audit trail gets a line. Production asks for the gate."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dashboard.accounts.access import Right
from dashboard.accounts.models import User
from dashboard.registry.evaluated import take_newest
from dashboard.registry.gate import Verdict, verdict_of
from dashboard.registry.models import PRODUCTION, Alias, Change, Kind, RegisteredModel, Version
from dashboard.runs.lifecycle import WrongState


class GateHolds(WrongState):
    """The gate does not pass, and nobody said why to go past it."""


def right_for(alias: str) -> Right:
    """Whoever may edit sets candidates and aliases of their own; what is in production is the owner's word."""
    return "own" if alias == PRODUCTION else "edit"


def point(alias: str, version: Version, by: User, reason: str = "", *, override: bool = False) -> Alias:
    """Sets the alias, or moves it to this version. Raises GateHolds, and WrongState where it points there already."""
    verdict = asked_now(version) if alias == PRODUCTION else None
    goes_past = verdict is not None and not verdict.is_passed
    if verdict and goes_past and not override:
        raise GateHolds(_("%(version)s does not pass the gate. %(reason)s") % {"version": version, "reason": verdict.reason})
    if goes_past and not reason.strip():
        raise GateHolds(_("Say why %(version)s goes past the gate: the reason stays in the audit trail.") % {"version": version})
    with transaction.atomic():
        lock(version.model_id)
        before = Alias.objects.filter(model=version.model_id, name=alias).select_related("version").first()
        if before and before.version_id == version.pk:
            raise WrongState(_("%(alias)s points at %(version)s already.") % {"alias": alias, "version": version})
        if not Version.objects.filter(pk=version.pk).exists():
            raise WrongState(_("%(version)s was deleted meanwhile.") % {"version": version})
        found = Alias.objects.update_or_create(model_id=version.model_id, name=alias, defaults={"version": version})[0]
        Change.objects.create(
            model_id=version.model_id,
            kind=Kind.SET,
            alias=alias,
            from_number=before.version.number if before else None,
            to_number=version.number,
            by=by,
            reason=reason,
            verdict=verdict.reason if verdict else "",
            is_override=goes_past,
        )
    return found


def asked_now(version: Version) -> Verdict:
    """What was measured since it was registered counts too."""
    take_newest([version])
    return verdict_of(version)


def remove(model: RegisteredModel, alias: str, by: User, reason: str = "") -> bool:
    """Returns False where there is no such alias."""
    with transaction.atomic():
        lock(model.pk)
        found = Alias.objects.filter(model=model, name=alias).select_related("version").first()
        if found is None:
            return False
        found.delete()
        Change.objects.create(model=model, kind=Kind.REMOVED, alias=alias, from_number=found.version.number, by=by, reason=reason)
    return True


def lock(model_id: int) -> None:
    """Of two who move the same alias one comes after the other, and the trail tells it in that order."""
    RegisteredModel.objects.select_for_update().get(pk=model_id)
