"""Registers versions and deletes them. A version is a folder that never changes, and a row that knows every digest in it."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from dashboard.accounts.models import Project, User
from dashboard.registry.archive import Archive
from dashboard.registry.keeping import FOLDER, check_kept, keep, listed, write
from dashboard.registry.lineage import lineage_of
from dashboard.registry.models import Change, Kind, RegisteredModel, Version
from dashboard.registry.readme import readme_of
from dashboard.registry.sources import Source
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Run, Stage
from trainer.manifest import Damaged

log = logging.getLogger(__name__)


def model_named(project: Project, name: str, by: User) -> RegisteredModel:
    """The model of that name, made where there is none yet."""
    return RegisteredModel.objects.get_or_create(project=project, name=name, defaults={"owner": by})[0]


def register(project: Project, name: str, source: Source, by: User, reason: str = "") -> Version:
    """Raises WrongState, naming the file, for a model whose files are not what was saved, and where the disk takes no more."""
    version = Version(place=secrets.token_hex(16), precision=source.precision, stage_index=source.stage.index, owner=by)
    try:
        keep(source, version.folder)
        store(version, model_named(project, name, by), source, reason)
    except BaseException as error:
        shutil.rmtree(version.folder, ignore_errors=True)
        if isinstance(error, Damaged | OSError):
            raise WrongState(_("Not registered: %(problem)s.") % {"problem": getattr(error, "strerror", None) or error}) from error
        raise
    return version


def store(version: Version, model: RegisteredModel, source: Source, reason: str) -> None:
    """The number is taken first, because it stands in the files: where the disk is full then, it is left out for good."""
    version.model, version.number, version.created_at = model, next_number(model), timezone.now().replace(microsecond=0)
    version.metrics, version.gate = source.metrics, source.gate
    version.lineage = lineage_of(source, model, version.number, version.owner, version.created_at.isoformat())
    write(version.folder / "lineage.json", json.dumps(version.lineage, indent=1, ensure_ascii=False))
    write(version.folder / "README.md", readme_of(version.lineage, inputs_of(source.stage)))
    version.files = listed(version.folder)
    version.size_bytes = sum(found["size_bytes"] for name, found in version.files.items() if name.startswith(f"{FOLDER}/"))
    version.digest, version.archive_bytes = archive_of(version).measured()
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=model.project_id)
        version.run = Run.objects.filter(pk=source.stage.run_id, deleted_at=None).first()
        version.save()
        Change.objects.create(model=model, kind=Kind.REGISTERED, to_number=version.number, by=version.owner, reason=reason)


def next_number(model: RegisteredModel) -> int:
    with transaction.atomic():
        RegisteredModel.objects.filter(pk=model.pk).update(last_number=F("last_number") + 1)
        return RegisteredModel.objects.values_list("last_number", flat=True).get(pk=model.pk)


def inputs_of(stage: Stage) -> str:
    """What a classifier looks at; "" for a stage that learnt no sentiment."""
    if all(task["kind"] != "sentiment" for task in stage.config["tasks"]):
        return ""
    inputs: str = stage.run.config["model"].get("inputs", "")
    return inputs


def archive_of(version: Version) -> Archive:
    at: datetime = version.created_at
    return Archive(f"{version.model.name}-v{version.number}", version.folder, version.files, at)


def checked_archive(version: Version) -> Archive:
    """Reads every file once before the first byte is sent. Raises WrongState, naming the file that is not what was registered."""
    try:
        check_kept(version.folder, version.files)
    except Damaged as damage:
        log.error("version %s of model %s: %s", version.number, version.model_id, damage)
        raise WrongState(_("%(version)s is not given out: %(problem)s.") % {"version": version, "problem": damage}) from damage
    return archive_of(version)


def delete(version: Version, by: User, reason: str = "") -> None:
    """For good, files too. Raises WrongState while an alias points at it."""
    with transaction.atomic():
        RegisteredModel.objects.select_for_update().get(pk=version.model_id)
        if names := list(version.aliases.values_list("name", flat=True)):
            words: dict[str, Any] = {"version": version, "aliases": ", ".join(sorted(names))}
            raise WrongState(_("%(aliases)s points at %(version)s: move or remove it first.") % words)
        if not Version.objects.filter(pk=version.pk).delete()[0]:
            return
        Change.objects.create(model_id=version.model_id, kind=Kind.DELETED, from_number=version.number, by=by, reason=reason)
    shutil.rmtree(version.folder, ignore_errors=True)
