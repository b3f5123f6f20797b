"""What the API of models takes and gives, as it stands in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from dashboard.api.shapes import LARGEST_ID, RunId, Text
from dashboard.registry.models import ALIAS, FP32, MAX_ALIAS, MAX_NAME, MAX_REASON, NAME
from trainer.config import storable

ModelName = Annotated[str, StringConstraints(max_length=MAX_NAME, pattern=NAME)]
AliasName = Annotated[str, StringConstraints(max_length=MAX_ALIAS, pattern=ALIAS)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_REASON), AfterValidator(storable)]


class Asked(Schema):
    project: Text = Field("", description="Needed where several of your projects have a model of that name.")


class ModelsAsked(Schema):
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=LARGEST_ID - 500)


class ModelIn(Schema):
    model_config = ConfigDict(extra="forbid")

    name: ModelName
    project: Text = ""


class VersionIn(Schema):
    """A finished stage of a run, or its twin in another precision."""

    model_config = ConfigDict(extra="forbid")

    run: RunId
    stage: int = Field(ge=1, le=12)
    precision: str = Field(FP32, max_length=20, description="`fp32` is the checkpoint; others are what the run's quantization made.")
    reason: Reason = ""


class AliasIn(Schema):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=2**31 - 1)
    reason: Reason = ""
    override: bool = Field(False, description="Go past the gate; then `reason` must say why.")


class VersionOut(Schema):
    """`digest` is the SHA-256 of the whole archive. `run` is null once the run is deleted."""

    number: int
    run: int | None
    stage: int
    precision: str
    owner: str
    created_at: datetime
    size_bytes: int
    digest: str
    archive_bytes: int
    metrics: dict[str, Any]
    gate: dict[str, Any] = Field(description="What the export gate said: passes, drop, max_drop (points). Empty for a checkpoint.")
    gate_passed: bool
    gate_reason: str


class VersionDetailOut(VersionOut):
    files: dict[str, dict[str, Any]]
    lineage: dict[str, Any]


class ModelOut(Schema):
    id: int
    name: str
    project: str
    owner: str
    created_at: datetime
    aliases: dict[str, int] = Field(description="The number of the version that each alias points at.")
    newest: VersionOut | None


class ModelList(Schema):
    items: list[ModelOut]
    count: int


class ChangeOut(Schema):
    """A line of the audit trail."""

    kind: str
    alias: str
    from_version: int | None
    to_version: int | None
    by: str
    at: datetime
    reason: str
    verdict: str
    is_override: bool


class ModelDetailOut(ModelOut):
    versions: list[VersionOut]
    changes: list[ChangeOut] = Field(description="Newest first.")


class AliasOut(Schema):
    alias: str
    version: int
