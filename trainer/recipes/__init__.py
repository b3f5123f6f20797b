"""The presets that a run may start from: one JSON file each, the same document as the form and the API."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from trainer.config import Run, Settings

ORDER = (
    "sentiment-example",
    "sentiment-image-only",
    "sentiment-text-only",
    "sentiment-resnet50",
    "sentiment-tiny",
    "language-small",
    "language-experts",
    "language-masked",
    "language-tiny",
    "language-article",
)


class Recipe(Settings):
    id: str
    name: str
    description: str
    config: Run


@cache
def load() -> dict[str, Recipe]:
    """Returns the recipes by id, the example first."""
    folder = Path(__file__).parent
    return {name: Recipe.model_validate(json.loads((folder / f"{name}.json").read_text())) for name in ORDER}
