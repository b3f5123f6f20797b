"""What the API takes and gives, as it stands in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from dashboard.runs.models import MAX_NAME
from dashboard.runs.reuse import ABOUT
from trainer.config import storable

# SQLite takes texts of any length and with any character, PostgreSQL does not: what is wrong with one is said before either is asked.
Text = Annotated[str, StringConstraints(max_length=120), AfterValidator(storable)]
RunName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NAME), AfterValidator(storable)]

OVERRIDES = (
    "Changes to the config, nested like it. An object is merged key by key; into a list it is merged by index, counted from 0: "
    '`{"stages": {"2": {"steps": 40}}}`. Any other value, a list included, replaces what was there.'
)


class StageOut(Schema):
    index: int
    name: str
    status: str
    last_step: int
    num_steps: int
    attempts: int
    results: dict[str, Any]
    error: str
    reused_from: int | None = Field(description="The run that trained this stage, where it was not trained again.")
    ledger: list[dict[str, Any]] = Field(description="Per source: the share asked for, the share seen, samples, tokens, epochs.")
    expert_loads: list[list[float]] = Field(description="Per layer the share of the tokens that each expert worked on.")
    watched: dict[str, dict[str, Any]] = Field(description="At the stage's end: validation loss by data set, and a unigram model's.")


class RunOut(Schema):
    id: int
    number: int
    name: str
    status: str
    project: str
    owner: str
    recipe: str
    forked_from: int | None = Field(description="The run this one is a fork of.")
    forked_stage: int | None = Field(description="The first stage that the fork does not share with it, from 1.")
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
    status: Text = ""


class SeriesAsked(Schema):
    metric: Text
    stage: int | None = Field(None, ge=1, le=12)
    attempt: int | None = Field(None, ge=1)
    max_points: int = Field(2000, ge=2, le=100_000)


class SubmitIn(Schema):
    """A recipe with overrides, or a whole config."""

    model_config = ConfigDict(extra="forbid")

    name: RunName = Field("", description="Left out: a name is suggested.")
    project: Text = ""
    recipe: Text = ""
    overrides: dict[str, Any] = Field({}, description=OVERRIDES)
    config: dict[str, Any] | None = None
    reuse: bool = Field(True, description=ABOUT)


class ForkIn(Schema):
    """Where the new run leaves the old one, and what it does differently from there."""

    model_config = ConfigDict(extra="forbid")

    stage: int = Field(ge=1, description="First stage to be trained anew, from 1. Those before it are taken over.")
    overrides: dict[str, Any] = Field({}, description=f"{OVERRIDES} What the stages before were trained with must stay as it is.")
    name: RunName = Field("", description="Left out: a name is suggested.")


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
