"""The API of models: list, register, promote, download."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Status

from dashboard import streaming
from dashboard.accounts import access
from dashboard.api import submitting
from dashboard.api.submitting import Refused
from dashboard.registry import aliases, registering
from dashboard.registry.evaluated import take_newest
from dashboard.registry.gate import verdict_of
from dashboard.registry.models import Change, RegisteredModel, Version
from dashboard.registry.rows import LONG, Row, rows
from dashboard.registry.shapes import (
    AliasIn,
    AliasName,
    AliasOut,
    Asked,
    ModelDetailOut,
    ModelIn,
    ModelList,
    ModelName,
    ModelOut,
    ModelsAsked,
    VersionDetailOut,
    VersionIn,
    VersionOut,
)
from dashboard.registry.sources import source_of

router = Router(tags=["models"])
TAR = {"content": {"application/x-tar": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("", response=ModelList)
def list_models(request: HttpRequest, asked: Query[ModelsAsked]) -> dict[str, Any]:
    found = access.registered_models(request.user)
    some = rows(list(found[asked.offset : asked.offset + asked.limit]))
    return {"items": [model_out(row) for row in some], "count": found.count()}


@router.post("", response={200: ModelOut, 201: ModelOut})
def make_model(request: HttpRequest, body: ModelIn) -> Status[dict[str, Any]]:
    """A name to register versions under; 200 where there is one already."""
    if body.project:
        project = access.get_project(request.user, body.project, "edit")
    else:
        project = submitting.only_project(list(access.projects(request.user, "edit")))
    is_new = not RegisteredModel.objects.filter(project=project, name=body.name).exists()
    model = registering.model_named(project, body.name, access.signed_in(request))
    return Status(201 if is_new else 200, model_out(rows([model])[0]))


@router.get("/{name}", response=ModelDetailOut)
def read_model(request: HttpRequest, name: ModelName, asked: Query[Asked]) -> dict[str, Any]:
    model = named(request, name, asked)
    versions = list(model.versions.select_related("owner", "model").defer(*LONG))
    take_newest(versions)
    changes = [change_out(change) for change in model.changes.select_related("by")]
    return {**model_out(rows([model])[0]), "versions": [version_out(version) for version in versions], "changes": changes}


@router.post("/{name}/versions", response={201: VersionOut})
def register_version(request: HttpRequest, name: ModelName, body: VersionIn, asked: Query[Asked]) -> Status[dict[str, Any]]:
    """409 for files that are not what was saved, 422 for a stage that has not finished."""
    model = named(request, name, asked, "edit")
    run = access.get_run(request.user, body.run, "edit")
    if run.project_id != model.project_id:
        raise Refused((["body", "run"], f"run {run.pk} is of another project than {model.name}"))
    try:
        source = source_of(run, body.stage, body.precision)
    except ValueError as error:
        raise Refused((["body", "stage"], str(error))) from None
    version = registering.register(model.project, model.name, source, access.signed_in(request), body.reason)
    return Status(201, version_out(version))


@router.get("/{name}/versions/{int:number}", response=VersionDetailOut)
def read_version(request: HttpRequest, name: ModelName, number: int, asked: Query[Asked]) -> dict[str, Any]:
    version = version_of(named(request, name, asked), number)
    take_newest([version])
    return {**version_out(version), "files": version.files, "lineage": version.lineage}


@router.delete("/{name}/versions/{int:number}", response={204: None})
def delete_version(request: HttpRequest, name: ModelName, number: int, asked: Query[Asked]) -> Status[None]:
    """For good, files too. 409 while an alias points at it."""
    registering.delete(version_of(named(request, name, asked, "edit"), number), access.signed_in(request))
    return Status(204, None)


@router.get("/{name}/versions/{int:number}/archive", openapi_extra={"responses": {200: TAR}})
def download_version(request: HttpRequest, name: ModelName, number: int, asked: Query[Asked]) -> StreamingHttpResponse:
    """One tar file, the same bytes each time: model, README, lineage, SHA256SUMS. 409 where a file is not what was registered."""
    version = version_of(named(request, name, asked), number)
    archive = registering.checked_archive(version)
    headers = {
        "Content-Disposition": f'attachment; filename="{archive.name}.tar"',
        "Content-Length": str(version.archive_bytes),
        "ETag": f'"{version.digest}"',
        "X-Checksum-Sha256": version.digest,
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(streaming.body(request, archive.pieces()), content_type="application/x-tar", headers=headers)


@router.put("/{name}/aliases/{alias}", response=AliasOut)
def set_alias(request: HttpRequest, name: ModelName, alias: AliasName, body: AliasIn, asked: Query[Asked]) -> dict[str, Any]:
    """Sets or moves it. `production` is for owners and asks for the gate: 409 with the reason where it does not pass."""
    model = named(request, name, asked, aliases.right_for(alias))
    version = version_of(model, body.version)
    aliases.point(alias, version, access.signed_in(request), body.reason, override=body.override)
    return {"alias": alias, "version": version.number}


@router.delete("/{name}/aliases/{alias}", response={204: None})
def remove_alias(request: HttpRequest, name: ModelName, alias: AliasName, asked: Query[Asked]) -> Status[None]:
    if not aliases.remove(named(request, name, asked, aliases.right_for(alias)), alias, access.signed_in(request)):
        raise Http404("No such alias.")
    return Status(204, None)


def named(request: HttpRequest, name: str, asked: Asked, right: access.Right = "view") -> RegisteredModel:
    try:
        return access.get_model_named(request.user, name, asked.project, right)
    except ValueError as error:
        raise Refused((["query", "project"], str(error))) from None


def version_of(model: RegisteredModel, number: int) -> Version:
    found = model.versions.select_related("model__project", "owner").filter(number=number).first()
    if found is None:
        raise Http404("No such version.")
    return found


def model_out(row: Row) -> dict[str, Any]:
    model = row.model
    return {
        **{name: getattr(model, name) for name in ("id", "name", "created_at")},
        "project": model.project.slug,
        "owner": model.owner.username,
        "aliases": {alias.name: alias.version.number for alias in row.aliases},
        "newest": version_out(row.newest) if row.newest else None,
    }


def version_out(version: Version) -> dict[str, Any]:
    names = ("number", "precision", "created_at", "size_bytes", "digest", "archive_bytes", "metrics", "gate")
    verdict = verdict_of(version)
    return {
        **{name: getattr(version, name) for name in names},
        "run": version.run_id,
        "stage": version.stage_index,
        "owner": version.owner.username,
        "gate_passed": verdict.is_passed,
        "gate_reason": verdict.reason,
    }


def change_out(change: Change) -> dict[str, Any]:
    names = ("kind", "alias", "at", "reason", "verdict", "is_override")
    numbers = {"from_version": change.from_number, "to_version": change.to_number}
    return {**{name: getattr(change, name) for name in names}, **numbers, "by": change.by.username}
