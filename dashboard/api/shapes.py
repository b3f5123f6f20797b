"""What the API takes and gives, as it stands in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from dashboard.metrics.axes import Axis
from dashboard.runs.models import MAX_NAME
from dashboard.runs.reuse import ABOUT
from trainer.config import storable

LARGEST_STEP = 2**31 - 1
LARGEST_ID = 2**63 - 1
LONGEST_METRIC = 2_000

# SQLite takes texts of any length and with any character, PostgreSQL does not: what is wrong with one is said before either is asked.
Text = Annotated[str, StringConstraints(max_length=120), AfterValidator(storable)]
# Any name is looked for under the one that it was stored under.
MetricName = Annotated[str, StringConstraints(max_length=LONGEST_METRIC)]
RunId = Annotated[int, Field(ge=0, le=LARGEST_ID)]
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
    offset: int = Field(0, ge=0, le=LARGEST_ID - 500)
    status: Text = ""


class WindowAsked(Schema):
    """What the questions for one series and for many have in common."""

    model_config = ConfigDict(populate_by_name=True)

    low: int = Field(0, ge=0, le=LARGEST_STEP, alias="from", description="First step, counted as in the answer.")
    high: int = Field(LARGEST_STEP, ge=0, le=LARGEST_STEP, alias="to", description="Last step.")
    max_points: int = Field(2000, ge=2, le=100_000, description="More points than these become buckets with their extremes.")
    x: Axis = Field(
        "step", description="What `x` counts. Samples, tokens: of the stage, or of the whole run; active: of the run; wall: Unix s."
    )


class SeriesAsked(WindowAsked):
    metric: MetricName
    stage: int | None = Field(None, ge=1, le=12, description="Without it the curve of the whole run, over the run's steps.")
    attempt: int | None = Field(None, ge=1, le=LARGEST_STEP, description="All that this attempt of the stage wrote.")


class ManySeriesAsked(WindowAsked):
    run: list[RunId] = Field(min_length=1, max_length=100)
    metric: list[MetricName] = Field(min_length=1, max_length=500)
    stage: list[int] = Field([], max_length=12, description="A series of each; without it, of the whole run.")


class ExportAsked(Schema):
    format: Literal["csv", "parquet"] = "csv"
    metric: list[MetricName] = Field([], max_length=500, description="Without it all of them.")


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


Number = float | Literal["nan", "inf", "-inf"]


class SeriesOut(Schema):
    """Raw points, or buckets, each at the step of its last point. Means and extremes are those of the finite points."""

    run: int
    metric: str
    stage: int | None
    attempt: int | None
    num_points: int
    num_not_finite: int
    buckets: bool
    step: list[int]
    value: list[Number]
    min: list[Number] | None = None
    max: list[Number] | None = None
    not_finite: list[int] | None = Field(None, description="How many points of a bucket are no finite number.")
    x: list[Number] | None = Field(None, description="Where `x` was asked for; nan where it is not known.")
    cursor: int = Field(description="From here the run's websocket goes on.")


class ManySeriesOut(Schema):
    items: list[SeriesOut]
    count: int


class Problem(Schema):
    """`errors` holds the path of each bad field and a sentence."""

    detail: str
    errors: list[dict[str, Any]] = []
