"""Counts the parameters of a model from its config alone, in the groups that freezing knows. Torch-free; tested against the real models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.catalog import Card
from trainer.config import ImageTextModel, Stage
from trainer.models.groups import group_of, trainable_names
from trainer.packaged import folder_of

Shapes = dict[str, int]


@dataclass(frozen=True)
class Counts:
    """Number of elements of every named parameter."""

    sizes: Shapes
    num_text_blocks: int
    num_image_blocks: int

    @property
    def by_group(self) -> dict[str, int]:
        return self._sum(self.sizes)

    def trainable(self, chosen: Sequence[str]) -> dict[str, int] | None:
        """Returns the trainable elements by group, None where a pattern matches nothing."""
        try:
            names = trainable_names(self.sizes, chosen, self.num_text_blocks, self.num_image_blocks)
        except ValueError:
            return None
        return self._sum(names)

    def _sum(self, names: Iterable[str]) -> dict[str, int]:
        totals = {"base": 0, "middle": 0, "top": 0}
        for name in names:
            totals[group_of(name, self.num_text_blocks, self.num_image_blocks)] += self.sizes[name]
        return totals


def count(model: ImageTextModel, stage: Stage, cards: Mapping[str, Card]) -> Counts | None:
    """None when an encoder's sizes lie on a hub that is not read from here."""
    image, text = image_sizes(model), text_sizes(model)
    if image is None or text is None:
        return None
    sizes = resnet(image) | bert(text) | top(model, stage, cards, image["hidden_sizes"][-1], text)
    return Counts(sizes, text["num_hidden_layers"], len(image["hidden_sizes"]))


def config_of(name: str) -> dict[str, Any] | None:
    """Reads `config.json` of packaged weights or a local folder."""
    path = Path(folder_of(name)) / "config.json"
    return json.loads(path.read_text()) if path.is_file() else None


def image_sizes(model: ImageTextModel) -> dict[str, Any] | None:
    if model.image.pretrained:
        return config_of(model.image.pretrained)
    image = model.image
    return {"embedding_size": image.stem_width, "hidden_sizes": image.widths, "depths": image.depths, "layer_type": image.block}


def text_sizes(model: ImageTextModel) -> dict[str, Any] | None:
    if model.text.pretrained:
        return config_of(model.text.pretrained)
    vocabulary = Path(__file__).with_name("models") / "vocabulary.txt"
    text = model.text
    return {
        "vocab_size": len(vocabulary.read_text(encoding="utf-8").splitlines()),
        "hidden_size": text.width,
        "num_hidden_layers": text.num_layers,
        "intermediate_size": 4 * text.width,
    }


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": inputs * outputs, f"{name}.bias": outputs}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": width, f"{name}.bias": width}


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


def bert(sizes: Mapping[str, Any]) -> Shapes:
    """The parameters of transformers' BertModel without pooler."""
    width, inner, place = sizes["hidden_size"], sizes["intermediate_size"], "text.embeddings"
    found = {
        f"{place}.word_embeddings.weight": sizes["vocab_size"] * width,
        f"{place}.position_embeddings.weight": sizes.get("max_position_embeddings", 512) * width,
        f"{place}.token_type_embeddings.weight": sizes.get("type_vocab_size", 2) * width,
        **norm(f"{place}.LayerNorm", width),
    }
    for number in range(sizes["num_hidden_layers"]):
        place = f"text.encoder.layer.{number}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            found |= linear(f"{place}.attention.{name}", width, width)
        found |= linear(f"{place}.intermediate.dense", width, inner) | linear(f"{place}.output.dense", inner, width)
        found |= norm(f"{place}.attention.output.LayerNorm", width) | norm(f"{place}.output.LayerNorm", width)
    return found


def top(model: ImageTextModel, stage: Stage, cards: Mapping[str, Card], channels: int, text: Mapping[str, Any]) -> Shapes:
    """Projections and the heads of the stage's tasks."""
    width, hidden = model.fusion_width, text["hidden_size"]
    found = linear("image_projection", channels, width) | linear("text_projection", hidden, width)
    both = model.fusion == "concatenation" and model.inputs == "image_and_text"
    for task in stage.tasks:
        place, card = f"heads.{task.kind}", cards.get(task.sources[0].dataset)
        num_classes = len(card.classes) if card else 0
        if task.kind == "masked_lm":
            found |= linear(f"{place}.dense", hidden, hidden) | norm(f"{place}.norm", hidden) | {f"{place}.bias": text["vocab_size"]}
        elif task.kind == "image_classification":
            found |= linear(place, channels, num_classes)
        elif task.kind == "sentiment":
            found |= linear(place, width * (2 if both else 1), num_classes)
    return found
