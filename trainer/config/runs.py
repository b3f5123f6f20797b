"""A run, and the jobs that it is handed over as."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from trainer.config.models import ImageTextModel, Model
from trainer.config.settings import Settings
from trainer.config.stages import Stage
from trainer.config.tasks import AnyTask


class Quantization(Settings):
    """The job after the last stage: ONNX and INT8, a measured comparison, and the export gate.

    A classifier's INT8 is made by calibration and by training; a causal language model's by rounding alone, so that nothing but the
    timing and the gate is settled of it.
    """

    calibration_samples: int = Field(
        128, ge=8, le=10_000, description="Training samples the INT8 ranges are calibrated on.", json_schema_extra={"unit": "samples"}
    )
    latency_samples: int = Field(
        100, ge=10, le=10_000, description="Single predictions timed per precision.", json_schema_extra={"unit": "samples"}
    )
    qat_steps: int = Field(
        40,
        ge=0,
        le=1_000_000,
        description="Steps of quantization-aware training, from the trained weights; 0 leaves it out.",
        json_schema_extra={"unit": "steps"},
    )
    qat_learning_rate: float = Field(1e-5, gt=0, le=0.1, description="Highest learning rate of these steps; it falls to 0.")
    qat_batch_size: int = Field(32, ge=2, le=65_536, description="Samples in one of these steps.", json_schema_extra={"unit": "samples"})
    qat_statistics_share: float = Field(
        0.0, ge=0, le=1, description="Share of these steps after which the statistics of batch norms stay as they are."
    )
    qat_ranges_share: float = Field(0.7, ge=0, le=1, description="Share of these steps after which the INT8 ranges stay as they are.")
    max_drop: float = Field(
        0.6,
        ge=0,
        le=100,
        description="Export gate: points of accuracy (a language model's of the next token) that INT8 may lose against FP32.",
        json_schema_extra={"unit": "points"},
    )


class Run(Settings):
    """An ordered list of stages; each starts from the checkpoint of the one before."""

    model: Model = ImageTextModel()
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=12)
    num_threads: int = Field(
        2, ge=0, le=1024, description="CPU threads of the trainer; 0 takes all. Another number changes the last bits of the weights."
    )
    quantization: Quantization | None = Field(
        Quantization(), description="Make INT8 after the last stage and measure it beside FP32 and BF16."
    )
    evaluate: bool = Field(True, description="Evaluate the run on the test split after the last stage, sample by sample.")
    tensorboard: bool = Field(False, description="Write TensorBoard event files beside the events.")

    @property
    def watched(self) -> tuple[AnyTask, ...]:
        """The tasks of all stages, each kind with the same data sets once: shares and weights do not matter to who only asks."""
        found: dict[tuple[str, frozenset[str]], AnyTask] = {}
        for task in (task for stage in self.stages for task in stage.tasks):
            found.setdefault((task.kind, frozenset(source.dataset for source in task.sources)), task)
        return tuple(found.values())


class StageJob(Settings):
    """One stage as a worker hands it over: `config.json` of an attempt's folder."""

    model: Model
    stage: Stage
    index: int = Field(ge=1, description="Position of the stage in its run, from 1.")
    is_last: bool = Field(description="The last stage is tested on the held-out split when it ends.")
    num_threads: int = Field(2, ge=0, le=1024)
    watched: tuple[AnyTask, ...] = Field((), description="Tasks of the whole run: at its end the stage is asked about the data of each.")
    tensorboard: bool = False
    parent: str | None = Field(None, description="Checkpoint folder of the stage before.")
    resume: str | None = Field(None, description="Checkpoint folder of this stage to go on from.")


class EvaluationJob(Settings):
    """The evaluation of a checkpoint: `config.json` of its folder."""

    checkpoint: str = Field(description="Folder of the checkpoint.")
    split: Literal["train", "validation", "test"] = Field("test", description="The split that is asked about.")
    dataset: str = Field("", description="The data set that is asked about; those of its stage where it is empty.")
    num_threads: int = Field(2, ge=0, le=1024)


class QuantizationJob(Settings):
    """The quantization of a finished run: `config.json` of its folder."""

    model: Model
    quantization: Quantization
    task: AnyTask
    checkpoint: str = Field(description="Checkpoint folder of the last stage.")
    num_threads: int = Field(2, ge=0, le=1024)


def parse(document: dict[str, Any]) -> Run | StageJob | EvaluationJob | QuantizationJob:
    """Reads a `config.json`: a whole run has `stages`, a stage's job `stage`, an evaluation's `split`, a quantization's `quantization`.

    Raises pydantic.ValidationError, whose errors carry the path of each bad field.
    """
    if "stages" in document:
        return Run.model_validate(document)
    if "split" in document:
        return EvaluationJob.model_validate(document)
    if "quantization" in document:
        return QuantizationJob.model_validate(document)
    return StageJob.model_validate(document)
