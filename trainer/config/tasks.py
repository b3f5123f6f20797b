"""Objectives, and the data that they are learnt from."""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trainer.config.settings import DatasetName, Settings


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
        try:
            places = {part[1:] for part in Formatter().parse(self.template) if part[1] is not None}
        except ValueError as error:
            raise ValueError(f"template cannot be read: {error}") from error
        if places != {("head", "", None), ("relation", "", None)}:
            raise ValueError("template must contain {head} and {relation}, and nothing else in braces")
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
