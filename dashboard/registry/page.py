"""What the page of one model shows: its versions, the chosen one with its lineage, two compared, the aliases, the audit trail."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from dashboard.accounts import access
from dashboard.registry.evaluated import take_newest
from dashboard.registry.figures import Figure, headline, pairs
from dashboard.registry.gate import Verdict, verdict_of
from dashboard.registry.models import CANDIDATE, FP32, PRODUCTION, Alias, RegisteredModel, Version
from dashboard.registry.rows import LONG, in_order

NEWEST_CHANGES = 100
NEWEST_VERSIONS = 200


@dataclass(frozen=True)
class Line:
    """One version in the table."""

    version: Version
    aliases: list[Alias]

    @property
    def figure(self) -> Figure | None:
        return headline(self.version)

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.version)


def content(request: HttpRequest, model: RegisteredModel) -> dict[str, Any]:
    """`?version=N` chooses the version that is shown whole, `?with=M` another one that it is compared with."""
    versions = list(model.versions.select_related("owner", "run", "model").defer("lineage", "files", "run__config")[:NEWEST_VERSIONS])
    take_newest(versions)
    aliases = in_order(model.aliases.select_related("version").defer(*(f"version__{name}" for name in LONG)))
    chosen = number_asked(request, "version", versions) or (versions[0] if versions else None)
    can_promote = access.has_right(request.user, model.project, "own")
    return {
        "model": model,
        "lines": lines(versions, aliases),
        "aliases": aliases,
        "chosen": told(chosen) if chosen else None,
        "compared": compared(request, chosen, versions),
        "changes": model.changes.select_related("by")[:NEWEST_CHANGES],
        "can_edit": access.has_right(request.user, model.project, "edit"),
        "can_promote": can_promote,
        "names": names_offered(aliases, can_promote=can_promote),
        "production": PRODUCTION,
    }


def names_offered(aliases: list[Alias], *, can_promote: bool) -> list[str]:
    """The aliases that the person may set: the two that every model has, and those that are there."""
    found = dict.fromkeys([PRODUCTION, CANDIDATE, *(alias.name for alias in aliases)])
    return [name for name in found if can_promote or name != PRODUCTION]


def lines(versions: list[Version], aliases: list[Alias]) -> list[Line]:
    pointing: dict[int, list[Alias]] = defaultdict(list)
    for alias in aliases:
        pointing[alias.version_id].append(alias)
    return [Line(version, pointing[version.pk]) for version in versions]


def number_asked(request: HttpRequest, name: str, versions: list[Version]) -> Version | None:
    """None where none is asked for. Raises Http404 for one that the model does not have."""
    wanted = request.GET.get(name, "")
    if not wanted:
        return None
    found = next((version for version in versions if str(version.number) == wanted), None)
    if found is None:
        raise Http404("No such version.")
    return found


def told(version: Version) -> dict[str, Any]:
    """The chosen version with the documents that its row in the table leaves out."""
    whole = Version.objects.select_related("model__project", "owner", "run").get(pk=version.pk)
    whole.metrics = version.metrics
    return {
        "version": whole,
        "verdict": verdict_of(whole),
        "run": whole.run if whole.run and whole.run.deleted_at is None else None,
        "measured_at": "evaluation" if whole.precision == FP32 else "quantization",
        "key": key_in_playground(whole),
        "archive": archive_address(whole),
        "files": sorted(whole.files.items()),
    }


def compared(request: HttpRequest, chosen: Version | None, versions: list[Version]) -> dict[str, Any] | None:
    """None where there is no second version to compare with."""
    others = [version for version in versions if version != chosen]
    if chosen is None or not others:
        return None
    other = number_asked(request, "with", versions)
    second = other if other and other != chosen else others[0]
    return {"first": second, "second": chosen, "pairs": pairs(second, chosen), "others": others}


def key_in_playground(version: Version) -> str:
    """How the playground names these weights; "" for what it cannot ask: it asks what has learnt sentiment."""
    asked = "sentiment" in version.lineage["stages"][-1]["tasks"]
    return f"{version.run_id}.{version.stage_index}.{version.precision}" if asked else ""


def archive_address(version: Version) -> str:
    """The download is the API's: the session of the browser is as good there as a token."""
    address = reverse("api:download_version", args=[version.model.name, version.number])
    return f"{address}?project={version.model.project.slug}"
