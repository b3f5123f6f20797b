"""What a run is: frozen, bounded, described. The form, the API, the JSON file and the trainer all read this one definition."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

DatasetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
GROUPS = ("base", "middle", "top")


class Settings(BaseModel):
    """Base of every part of a config: frozen, and an unknown key is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ImageEncoder(Settings):
    """A ResNet of `transformers`: from a hub name or a local folder, or built from scratch by its sizes."""

    pretrained: str = Field("", max_length=200, description="Hub name or local folder of a ResNet. Empty: start from scratch.")
    image_size: int = Field(64, ge=16, le=512, description="Side of the square picture the encoder sees.", json_schema_extra={"unit": "px"})
    stem_width: int = Field(32, ge=4, le=256, description="Channels after the first convolution.")
    widths: tuple[int, ...] = Field((32, 64, 128, 256), min_length=1, max_length=6, description="Channels of each group of blocks.")
    depths: tuple[int, ...] = Field((1, 1, 1, 1), min_length=1, max_length=6, description="Blocks in each group.")
    block: Literal["basic", "bottleneck"] = Field("basic", description="Basic blocks suit small nets, bottleneck blocks ResNet-50 and up.")

    @model_validator(mode="after")
    def one_depth_per_width(self) -> Self:
        if len(self.widths) != len(self.depths):
            raise ValueError("widths and depths must have the same number of groups")
        return self


class TextEncoder(Settings):
    """A BERT-family encoder: from a hub name, a local folder or the packaged MiniLM, or built from scratch."""

    pretrained: str = Field(
        "", max_length=200, description="Hub name, local folder, or `minilm-l6` for the packaged weights. Empty: from scratch."
    )
    max_tokens: int = Field(32, ge=8, le=512, description="Longer sentences are cut here.", json_schema_extra={"unit": "tokens"})
    width: int = Field(128, ge=16, le=4096, description="Width of the hidden states when built from scratch.")
    num_layers: int = Field(2, ge=1, le=48, description="Transformer blocks when built from scratch.")
    num_heads: int = Field(2, ge=1, le=64, description="Attention heads when built from scratch.")

    @model_validator(mode="after")
    def heads_divide_width(self) -> Self:
        if not self.pretrained and self.width % self.num_heads:
            raise ValueError("width must be a multiple of num_heads")
        return self


class ImageTextModel(Settings):
    """Picture and sentence encoders, projected to one width, fused, classified."""

    family: Literal["image_text"] = "image_text"
    image: ImageEncoder = ImageEncoder()
    text: TextEncoder = TextEncoder()
    fusion: Literal["sum", "concatenation", "gated", "cross_attention"] = Field(
        "sum", description="How the two projected features become one."
    )
    fusion_width: int = Field(128, ge=8, le=4096, description="Common width of the two projections.")
    inputs: Literal["image_and_text", "image", "text"] = Field(
        "image_and_text", description="What the classifier sees. One alone shows what the other adds."
    )


class LanguageModel(Settings):
    """What the language models have in common: a Transformer of `transformers`, built by its sizes or loaded, and a tokenizer."""

    pretrained: str = Field("", max_length=200, description="Hub name or local folder of a model. Empty: start from scratch.")
    tokenizer: str = Field(
        "", max_length=200, description="Hub name or local folder. Empty: the model's own, or byte-level BPE trained on the run's sources."
    )
    vocabulary_size: int = Field(
        4096, ge=300, le=262_144, description="Tokens of a vocabulary that is trained here.", json_schema_extra={"unit": "tokens"}
    )
    max_tokens: int = Field(
        128, ge=8, le=131_072, description="Length of a row; documents are packed into rows.", json_schema_extra={"unit": "tokens"}
    )
    width: int = Field(256, ge=16, le=16_384, description="Width of the hidden states when built from scratch.")
    num_layers: int = Field(4, ge=2, le=128, description="Transformer blocks when built from scratch.")
    num_heads: int = Field(4, ge=1, le=128, description="Attention heads when built from scratch.")
    mlp_width: int = Field(688, ge=16, le=65_536, description="Width inside the feed-forward blocks when built from scratch.")

    @model_validator(mode="after")
    def heads_divide_width(self) -> Self:
        if not self.pretrained and self.width % self.num_heads:
            raise ValueError("width must be a multiple of num_heads")
        return self


class CausalLanguageModel(LanguageModel):
    """A dense decoder that predicts the next token (the Llama of `transformers`)."""

    family: Literal["causal_lm"] = "causal_lm"


class MixtureOfExpertsModel(LanguageModel):
    """A decoder whose feed-forward blocks are experts, of which a router picks a few for each token."""

    family: Literal["moe_lm"] = "moe_lm"
    num_experts: int = Field(8, ge=2, le=512, description="Experts in each block.")
    experts_per_token: int = Field(2, ge=1, le=64, description="Experts that work on a token.")
    balance: Literal["loss", "bias"] = Field(
        "loss", description="What keeps the experts equally busy: Switch Transformer's loss, or DeepSeek's bias on the router."
    )
    balance_rate: float = Field(0.01, ge=0, le=1, description="Weight of the balance loss, or how far the bias moves in a step.")
    capacity_factor: float | None = Field(
        None, ge=0.5, le=64, description="Tokens an expert takes, as a multiple of an equal share; others are dropped. Empty: no limit."
    )

    @model_validator(mode="after")
    def picks_some_of_the_experts(self) -> Self:
        if self.experts_per_token >= self.num_experts:
            raise ValueError("experts_per_token must be less than num_experts")
        return self


class MaskedLanguageModel(LanguageModel):
    """An encoder that guesses hidden tokens from both sides (the BERT of `transformers`)."""

    family: Literal["masked_lm"] = "masked_lm"


FAMILIES: dict[str, type[Settings]] = {
    "image_text": ImageTextModel,
    "causal_lm": CausalLanguageModel,
    "moe_lm": MixtureOfExpertsModel,
    "masked_lm": MaskedLanguageModel,
}


def family_of(model: Any) -> Any:
    """A document without a family is of image + text, the first family there was."""
    return model.get("family", "image_text") if isinstance(model, dict) else getattr(model, "family", None)


Model = Annotated[
    Annotated[ImageTextModel, Tag("image_text")]
    | Annotated[CausalLanguageModel, Tag("causal_lm")]
    | Annotated[MixtureOfExpertsModel, Tag("moe_lm")]
    | Annotated[MaskedLanguageModel, Tag("masked_lm")],
    Discriminator(family_of),
]


class Source(Settings):
    """A data set and its share: of a task's samples, or in a language model's run of the whole stage's tokens."""

    dataset: DatasetName = Field(description="Name of a data set.")
    share: float = Field(
        100,
        ge=0,
        le=1e6,
        description="Share of the task's samples, for language models of the stage's tokens; shares are scaled to 100 %.",
        json_schema_extra={"unit": "%"},
    )


class Task(Settings):
    """One objective of a stage, with its data and its weight in the total loss."""

    weight: float = Field(1, ge=0, le=100, description="Weight of this task's loss in the total.")
    sources: tuple[Source, ...] = Field(min_length=1, max_length=32, description="Data sets the task draws from.")

    @model_validator(mode="after")
    def sources_can_be_drawn_from(self) -> Self:
        if sum(source.share for source in self.sources) <= 0:
            raise ValueError("the shares sum to 0: nothing would be drawn")
        names = [source.dataset for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("a data set appears twice: give it one share")
        return self


class ImageClassification(Task):
    kind: Literal["image_classification"] = "image_classification"


class MaskedLanguageModelling(Task):
    kind: Literal["masked_lm"] = "masked_lm"
    mask_rate: float = Field(0.15, gt=0, lt=1, description="Share of the tokens to guess (BERT: 0.15).")


class ImageTextMatching(Task):
    kind: Literal["image_text_matching"] = "image_text_matching"
    margin: float = Field(0.2, gt=0, le=2, description="Cosine similarity below which a wrong pair costs nothing.")


class ImageTextContrast(Task):
    kind: Literal["image_text_contrast"] = "image_text_contrast"
    temperature: float = Field(0.07, ge=0.01, le=1, description="Starting value of the temperature, which is learned (CLIP: 0.07).")


class Sentiment(Task):
    kind: Literal["sentiment"] = "sentiment"


class CausalLanguageModelling(Task):
    kind: Literal["causal_lm"] = "causal_lm"


class TripleCompletion(Task):
    kind: Literal["triples"] = "triples"
    template: str = Field(
        "{head} | {relation} |", min_length=1, max_length=200, description="How head and relation are written before the tail to predict."
    )

    @model_validator(mode="after")
    def template_has_its_places(self) -> Self:
        if "{head}" not in self.template or "{relation}" not in self.template:
            raise ValueError("template must contain {head} and {relation}")
        return self


class EquationSolving(Task):
    kind: Literal["equations"] = "equations"


class InstructionTuning(Task):
    kind: Literal["instructions"] = "instructions"


AnyTask = Annotated[
    ImageClassification
    | MaskedLanguageModelling
    | ImageTextMatching
    | ImageTextContrast
    | Sentiment
    | CausalLanguageModelling
    | TripleCompletion
    | EquationSolving
    | InstructionTuning,
    Field(discriminator="kind"),
]
TASKS: dict[str, type[Task]] = {
    "image_classification": ImageClassification,
    "masked_lm": MaskedLanguageModelling,
    "image_text_matching": ImageTextMatching,
    "image_text_contrast": ImageTextContrast,
    "sentiment": Sentiment,
    "causal_lm": CausalLanguageModelling,
    "triples": TripleCompletion,
    "equations": EquationSolving,
    "instructions": InstructionTuning,
}
LANGUAGE_TASKS = ("causal_lm", "triples", "equations", "instructions")
TASKS_OF: dict[str, tuple[str, ...]] = {
    "image_text": ("image_classification", "masked_lm", "image_text_matching", "image_text_contrast", "sentiment"),
    "causal_lm": LANGUAGE_TASKS,
    "moe_lm": LANGUAGE_TASKS,
    "masked_lm": ("masked_lm",),
}

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
        "stop", description="When the loss is no number: stop, skip the step, or go back to the last checkpoint and draw other data."
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


class Quantization(Settings):
    """The job after the last stage: ONNX, static INT8, and a measured comparison."""

    calibration_samples: int = Field(
        128, ge=8, le=10_000, description="Training samples the INT8 ranges are calibrated on.", json_schema_extra={"unit": "samples"}
    )
    latency_samples: int = Field(
        100, ge=10, le=10_000, description="Single predictions timed per precision.", json_schema_extra={"unit": "samples"}
    )


class Run(Settings):
    """An ordered list of stages; each starts from the checkpoint of the one before."""

    model: Model = ImageTextModel()
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=12)
    num_threads: int = Field(
        2, ge=0, le=1024, description="CPU threads of the trainer; 0 takes all. Another number changes the last bits of the weights."
    )
    quantization: Quantization | None = Field(Quantization(), description="Measure FP32, BF16 and INT8 after the last stage.")
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


class QuantizationJob(Settings):
    """The quantization of a finished run: `config.json` of its folder."""

    model: Model
    quantization: Quantization
    task: AnyTask
    checkpoint: str = Field(description="Checkpoint folder of the last stage.")
    num_threads: int = Field(2, ge=0, le=1024)


def parse(document: dict[str, Any]) -> Run | StageJob | QuantizationJob:
    """Reads a `config.json`: a whole run has `stages`, a stage's job `stage`, a quantization's `quantization` and `checkpoint`.

    Raises pydantic.ValidationError, whose errors carry the path of each bad field.
    """
    if "stages" in document:
        return Run.model_validate(document)
    if "checkpoint" in document:
        return QuantizationJob.model_validate(document)
    return StageJob.model_validate(document)
