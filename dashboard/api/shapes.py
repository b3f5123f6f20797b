"""What the API takes and gives, as it stands in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field


class StageOut(Schema):
    index: int
    name: str
    status: str
    last_step: int
    num_steps: int
    attempts: int
    results: dict[str, Any]
    error: str


class RunOut(Schema):
    id: int
    number: int
    name: str
    status: str
    project: str
    owner: str
    recipe: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stages: list[StageOut]


class RunDetailOut(RunOut):
    config: dict[str, Any]


class RunList(Schema):
    items: list[RunOut]
    count: int


class StageList(Schema):
    items: list[StageOut]
    count: int


class RecipeOut(Schema):
    id: str
    name: str
    description: str
    config: dict[str, Any]


class RecipeList(Schema):
    items: list[RecipeOut]
    count: int


class QuantizationList(Schema):
    items: list[dict[str, Any]]
    count: int


class RunsAsked(Schema):
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0)
    status: str = ""


class SeriesAsked(Schema):
    metric: str = Field(max_length=120)
    stage: int | None = Field(None, ge=1, le=12)
    attempt: int | None = Field(None, ge=1)
    max_points: int = Field(2000, ge=2, le=100_000)


class SubmitIn(Schema):
    """A recipe with overrides (nested like the config; lists by index as a key), or a whole config."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    project: str = ""
    recipe: str = ""
    overrides: dict[str, Any] = {}
    config: dict[str, Any] | None = None


class SeriesOut(Schema):
    metric: str
    stage: int | None
    num_points: int
    buckets: bool
    step: list[int]
    value: list[float | str | None]
    min: list[float | str | None] | None = None
    max: list[float | str | None] | None = None
    cursor: int


class Problem(Schema):
    """`errors` holds the path of each bad field and a sentence."""

    detail: str
    errors: list[dict[str, Any]] = []
