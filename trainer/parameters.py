"""Counts the parameters of a model from its config alone, in the groups that freezing knows. Torch-free; tested against the real models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.catalog import Card
from trainer.config import GROUPS, ImageTextModel, LanguageModel, Model, Stage
from trainer.loaded import config_of
from trainer.models.groups import groups_of, trainable_names
from trainer.parameters_language import Shapes, bert, language_model, linear, norm


@dataclass(frozen=True)
class Counts:
    """Number of elements of every named parameter."""

    sizes: Shapes

    @property
    def by_group(self) -> dict[str, int]:
        return self._sum(self.sizes)

    def trainable(self, chosen: Sequence[str]) -> dict[str, int] | None:
        """Returns the trainable elements by group, None where a pattern matches nothing."""
        try:
            names = trainable_names(self.sizes, chosen)
        except ValueError:
            return None
        return self._sum(names)

    def _sum(self, names: Iterable[str]) -> dict[str, int]:
        totals = dict.fromkeys(GROUPS, 0)
        groups = groups_of(self.sizes)
        for name in names:
            totals[groups[name]] += self.sizes[name]
        return totals


def count(model: Model, stage: Stage, cards: Mapping[str, Card]) -> Counts | None:
    """None when sizes lie on a hub that is not read from here."""
    sizes = language_model(model) if isinstance(model, LanguageModel) else image_text(model, stage, cards)
    return None if sizes is None else Counts(sizes)


def image_text(model: ImageTextModel, stage: Stage, cards: Mapping[str, Card]) -> Shapes | None:
    image, text = image_sizes(model), text_sizes(model)
    if image is None or text is None:
        return None
    return resnet(image) | bert(text, "text") | top(model, stage, cards, image["hidden_sizes"][-1], text)


def of_kind(kind: str, sizes: dict[str, Any] | None) -> dict[str, Any] | None:
    return sizes if sizes and sizes.get("model_type") == kind else None


def image_sizes(model: ImageTextModel) -> dict[str, Any] | None:
    if model.image.pretrained:
        return of_kind("resnet", config_of(model.image.pretrained))
    image = model.image
    return {"embedding_size": image.stem_width, "hidden_sizes": image.widths, "depths": image.depths, "layer_type": image.block}


def text_sizes(model: ImageTextModel) -> dict[str, Any] | None:
    if model.text.pretrained:
        return of_kind("bert", config_of(model.text.pretrained))
    vocabulary = Path(__file__).with_name("models") / "vocabulary.txt"
    text = model.text
    return {
        "vocab_size": len(vocabulary.read_text(encoding="utf-8").splitlines()),
        "hidden_size": text.width,
        "num_hidden_layers": text.num_layers,
        "intermediate_size": 4 * text.width,
    }


def convolution(name: str, inputs: int, outputs: int, side: int) -> Shapes:
    """A convolution without bias and its batch norm."""
    return {f"{name}.convolution.weight": inputs * outputs * side * side} | norm(f"{name}.normalization", outputs)


def resnet(sizes: Mapping[str, Any]) -> Shapes:
    """The parameters of transformers' ResNetModel."""
    channels: int = sizes["embedding_size"]
    found = convolution("image.embedder.embedder", 3, channels, 7)
    for stage, (width, depth) in enumerate(zip(sizes["hidden_sizes"], sizes["depths"], strict=True)):
        for layer in range(depth):
            halves = layer == 0 and (stage > 0 or sizes.get("downsample_in_first_stage", False))
            place = f"image.encoder.stages.{stage}.layers.{layer}"
            if channels != width or halves:
                found |= convolution(f"{place}.shortcut", channels, width, 1)
            found |= block(f"{place}.layer", channels, width, sizes.get("layer_type", "bottleneck"))
            channels = width
    return found


def block(place: str, channels: int, width: int, kind: str) -> Shapes:
    if kind == "basic":
        return convolution(f"{place}.0", channels, width, 3) | convolution(f"{place}.1", width, width, 3)
    reduced = width // 4
    narrow = convolution(f"{place}.0", channels, reduced, 1) | convolution(f"{place}.1", reduced, reduced, 3)
    return narrow | convolution(f"{place}.2", reduced, width, 1)


def top(model: ImageTextModel, stage: Stage, cards: Mapping[str, Card], channels: int, text: Mapping[str, Any]) -> Shapes:
    """Projections, fusion and the heads of the stage's tasks."""
    width, hidden = model.fusion_width, text["hidden_size"]
    found = linear("image_projection", channels, width) | linear("text_projection", hidden, width) | fusion(model)
    both = model.fusion == "concatenation" and model.inputs == "image_and_text"
    for task in stage.tasks:
        place, card = f"heads.{task.kind}", cards.get(task.sources[0].dataset)
        num_classes = len(card.classes) if card else 0
        if task.kind == "masked_lm":
            found |= linear(f"{place}.dense", hidden, hidden) | norm(f"{place}.norm", hidden) | {f"{place}.bias": text["vocab_size"]}
        elif task.kind == "image_classification":
            found |= linear(place, channels, num_classes)
        elif task.kind == "image_text_contrast":
            found |= {f"{place}.logit_scale": 1}
        elif task.kind == "sentiment":
            found |= linear(place, width * (2 if both else 1), num_classes)
    return found


def fusion(model: ImageTextModel) -> Shapes:
    """What a gate or an attention between the two features learns; a modality alone is fused with nothing."""
    width = model.fusion_width
    if model.inputs != "image_and_text":
        return {}
    if model.fusion == "gated":
        return linear("fusion.gate", 2 * width, width)
    if model.fusion == "cross_attention":
        inwards = {"fusion.attention.in_proj_weight": 3 * width * width, "fusion.attention.in_proj_bias": 3 * width}
        return inwards | linear("fusion.attention.out_proj", width, width)
    return {}
