"""A stage: its tasks, length, learning rate, layers, regularisation."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from trainer.config.settings import GROUPS, Settings
from trainer.config.tasks import AnyTask

# Which optional fields each shape of the schedule reads; the others must stay empty.
SHAPE_FIELDS: dict[str, tuple[str, ...]] = {
    "constant": (),
    "cosine": ("final_rate",),
    "step": ("final_rate", "decay_interval", "decay_factor"),
    "halving": ("final_rate", "plateau_steps", "decay_interval"),
    "multi_step": (),
    "warmup_stable_decay": ("final_rate", "decay_steps"),
}


class Schedule(Settings):
    """Learning rate over the steps of a stage: linear warm-up to the peak, then a shape."""

    shape: Literal["constant", "cosine", "step", "halving", "multi_step", "warmup_stable_decay"] = Field(
        "constant", description="What follows the warm-up."
    )
    peak_rate: float = Field(3e-4, gt=0, le=10, description="Highest learning rate, reached at the end of the warm-up.")
    warmup_steps: int = Field(0, ge=0, le=10_000_000, description="Steps of the linear warm-up.", json_schema_extra={"unit": "steps"})
    final_rate: float | None = Field(None, ge=0, le=10, description="Floor that the rate falls to.")
    plateau_steps: int | None = Field(
        None, ge=0, le=10_000_000, description="Steps held at the peak before the first halving.", json_schema_extra={"unit": "steps"}
    )
    decay_interval: int | None = Field(
        None, ge=1, le=10_000_000, description="Steps between two decays.", json_schema_extra={"unit": "steps"}
    )
    decay_factor: float | None = Field(None, gt=0, lt=1, description="What the rate is multiplied by at each decay.")
    decay_steps: int | None = Field(
        None, ge=1, le=10_000_000, description="Steps of the decay at the end of the stage.", json_schema_extra={"unit": "steps"}
    )

    @model_validator(mode="after")
    def fields_fit_the_shape(self) -> Self:
        wanted = SHAPE_FIELDS[self.shape]
        for name in ("final_rate", "plateau_steps", "decay_interval", "decay_factor", "decay_steps"):
            given = getattr(self, name) is not None
            if given and name not in wanted:
                raise ValueError(f"{name} has no effect with the {self.shape} shape: leave it empty")
            if not given and name in wanted:
                raise ValueError(f"the {self.shape} shape needs {name}")
        if self.final_rate is not None and self.final_rate > self.peak_rate:
            raise ValueError(f"final_rate {self.final_rate:g} is above peak_rate {self.peak_rate:g}")
        return self


class Regularisation(Settings):
    dropout: float = Field(0.1, ge=0, le=0.9, description="Share of activations dropped, in every dropout of the model.")
    weight_decay: float = Field(0.01, ge=0, le=1, description="Pull of the weights towards zero; norms and biases are left alone.")
    clip_norm: float = Field(1.0, gt=0, le=1000, description="Largest global norm of the gradient.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over the other classes.")


class Curriculum(Settings):
    """Easy samples first: drawn by a softmax of their easiness over a temperature that grows with the steps."""

    length: float = Field(0, ge=0, le=100, description="Weight of the length in the difficulty.")
    rarity: float = Field(0, ge=0, le=100, description="Weight of how rare the tokens are.")
    loss: float = Field(0, ge=0, le=100, description="Weight of the loss under the weights that the stage starts from.")
    entropy: float = Field(0, ge=0, le=100, description="Weight of the entropy of a picture's edges.")
    flattening: float = Field(
        0.05, ge=0, le=1000, description="Growth of the temperature, 1 + flattening x step; 0 keeps preferring the easy ones."
    )

    @model_validator(mode="after")
    def measures_something(self) -> Self:
        if not (self.length or self.rarity or self.loss or self.entropy):
            raise ValueError("give length, rarity, loss or entropy a weight, or leave the curriculum out")
        return self


class Stage(Settings):
    """One stage: what it learns, from which data, for how long and how."""

    name: str = Field(min_length=1, max_length=40, description="Name of the stage.")
    description: str = Field("", max_length=200, description="One sentence for the people who read the run.")
    tasks: tuple[AnyTask, ...] = Field(min_length=1, max_length=8, description="Objectives trained together.")
    batch_size: int = Field(
        16,
        ge=1,
        le=65_536,
        description="Samples of each task in a step; for language models rows of the whole stage.",
        json_schema_extra={"unit": "samples"},
    )
    steps: int | None = Field(
        None, ge=1, le=10_000_000, description="Length in steps. Give steps or epochs.", json_schema_extra={"unit": "steps"}
    )
    epochs: float | None = Field(None, gt=0, le=10_000, description="Length in passes over the largest task's data. Give steps or epochs.")
    schedule: Schedule = Schedule()
    trainable: tuple[str, ...] = Field(
        GROUPS, min_length=1, max_length=64, description="Groups (base, middle, top) or name patterns that train; the rest is frozen."
    )
    regularisation: Regularisation = Regularisation()
    curriculum: Curriculum | None = Field(None, description="Draw easy samples first. Off: every sample alike.")
    task_weighting: Literal["fixed", "uncertainty"] = Field(
        "fixed", description="Weights of the tasks as they are given, or times a learned uncertainty of each task."
    )
    accumulation: int = Field(1, ge=1, le=4096, description="Parts that a batch is computed in, to save memory.")
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = Field("fp32", description="Number format of the forward and backward pass.")
    compile: bool = Field(False, description="Compile the network: slow to start, faster steps on a GPU.")
    report_interval: int = Field(
        1, ge=1, le=1000, description="Steps between two reports to the host; none is left out.", json_schema_extra={"unit": "steps"}
    )
    not_a_number: Literal["stop", "skip", "go_back"] = Field(
        "stop",
        description="When the loss is no number: stop, skip the step, or go back to the last checkpoint that was due and draw other data.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Fixes the order of the data, the dropout and the masks.")
    validation_interval: int = Field(
        50, ge=1, le=10_000_000, description="Steps between two validations.", json_schema_extra={"unit": "steps"}
    )
    checkpoint_interval: int = Field(
        50, ge=1, le=10_000_000, description="Steps between two checkpoints.", json_schema_extra={"unit": "steps"}
    )

    @model_validator(mode="after")
    def has_one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give steps or epochs, one of the two")
        kinds = [task.kind for task in self.tasks]
        if len(set(kinds)) < len(kinds):
            raise ValueError("a task appears twice: put its data sets into one")
        if sum(task.weight for task in self.tasks) <= 0:
            raise ValueError("the task weights sum to 0: nothing would be learnt")
        if self.accumulation > self.batch_size:
            raise ValueError("accumulation must not be greater than batch_size")
        return self
