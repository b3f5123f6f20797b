"""What the stages of a run share, as the page shows it: the model's parts by family, the quantization, threads and event files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic.fields import FieldInfo

from dashboard.runs.form import offers, words
from dashboard.runs.form.fields import Draft, FormField, Option, fields_of, lookup
from dashboard.runs.reuse import ABOUT
from trainer import config
from trainer.config import LanguageModel, Settings

PATHS = ("model", "quantization", "num_threads", "evaluate", "tensorboard")
IMAGE_TEXT = ("image_text",)


@dataclass(frozen=True)
class ModelPart:
    """A group of fields that only some families have."""

    title: Any
    families: tuple[str, ...]
    fields: list[FormField]
    hidden: bool


@dataclass(frozen=True)
class OptionalPart:
    """A part of the config behind a switch. While it is off, its fields show what it would start with and are not sent."""

    path: str
    on: bool
    was: str | None
    help: str
    fields: list[FormField]
    errors: list[str]


@dataclass(frozen=True)
class ModelCard:
    """`is_locked`: the weights of another run decide the model. `is_wrong`: one of its fields is."""

    family: str
    family_name: Any
    family_was: str | None
    families: list[Option]
    errors: list[str]
    parts: list[ModelPart]
    quantization: OptionalPart
    is_quantized: bool
    run: list[FormField]
    is_locked: bool
    is_wrong: bool


def model_card(draft: Draft) -> ModelCard:
    quantization, offered = optional_part("quantization", config.Quantization, draft), offers.quantization_fields(draft.family)
    for each in quantization.fields:
        each.hidden = each.hidden or not (each.name in offered or each.errors)
    run = fields_of(config.Run, "", draft)
    run["num_threads"].locked = draft.num_taken > 0
    return ModelCard(
        family=draft.family,
        family_name=words.FAMILIES[draft.family],
        family_was=None if draft.recipe is None else str(config.family_of(draft.recipe["model"])),
        families=offers.families(),
        errors=[message for path in ("model.family", "model") for message in draft.errors.get(path, [])],
        parts=list(model_parts(draft)),
        quantization=quantization,
        is_quantized=bool(offered or quantization.errors),
        run=list(run.values()),
        is_locked=draft.num_taken > 0,
        is_wrong=any(path.split(".")[0] in PATHS for path in draft.errors),
    )


def reuse_field(value: str) -> FormField:
    """A switch of the submission beside those of the run: the config does not hold it, so it is no change from the recipe either."""
    return FormField("reuse", "reuse", "switch", words.LABELS["reuse"], _(ABOUT), unit="", optional=False, bounds="", value=value)


def model_parts(draft: Draft) -> Iterator[ModelPart]:
    image, text = config.ImageEncoder, config.TextEncoder
    yield part(_("Picture encoder"), IMAGE_TEXT, fields_of(image, "model.image", draft), draft)
    yield part(_("Text encoder"), IMAGE_TEXT, fields_of(text, "model.text", draft), draft)
    yield part(_("Fusion"), IMAGE_TEXT, fields_of(config.ImageTextModel, "model", draft), draft)
    yield part(_("Transformer"), offers.LANGUAGE, fields_of(LanguageModel, "model", draft), draft)
    experts = own_fields(config.MixtureOfExpertsModel, LanguageModel, draft)
    yield part(_("Experts"), ("moe_lm",), experts, draft)


def own_fields(model: type[Settings], beyond: type[Settings], draft: Draft) -> dict[str, FormField]:
    return {name: each for name, each in fields_of(model, "model", draft).items() if name not in beyond.model_fields}


def part(title: Any, families: tuple[str, ...], fields: Mapping[str, FormField], draft: Draft) -> ModelPart:
    hidden = draft.family not in families
    for each in fields.values():
        each.hidden = hidden
    return ModelPart(title, families, list(fields.values()), hidden)


def optional_part(path: str, model: type[Settings], draft: Draft, start: Mapping[str, str] | None = None) -> OptionalPart:
    """`start` holds what an unused part proposes in place of the defaults."""
    on = is_on(path, draft.document)
    fields = list(fields_of(model, path, draft).values())
    for each in fields:
        each.hidden = not on
        each.value = each.value if on else (start or {}).get(each.name, each.value)
    was = None if draft.recipe is None else "on" if is_on(path, draft.recipe) else ""
    text = owner_fields(path)[path.rpartition(".")[2]].description or ""
    return OptionalPart(path, on, was, _(text), fields, list(draft.errors.get(path, [])))


def owner_fields(path: str) -> dict[str, FieldInfo]:
    """Only a run and its stages have parts that may be left out."""
    return config.Stage.model_fields if path.startswith("stages.") else config.Run.model_fields


def is_on(path: str, document: Mapping[str, Any]) -> bool:
    """Left out of a document, a part is what the config says it is by default."""
    root, _dot, name = path.rpartition(".")
    owner = lookup(document, root) if root else document
    if isinstance(owner, Mapping) and name in owner:
        return owner[name] is not None
    return owner_fields(path)[name].default is not None
