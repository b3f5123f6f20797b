"""What is known of weights to be loaded before they are: whether a local folder is there, and its model's positions. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.config import ImageTextModel, LanguageModel
from trainer.packaged import folder_of

Complaint = tuple[tuple[str | int, ...], str]
POSITIONS = ("max_position_embeddings", "n_positions")


def check_model(model: ImageTextModel | LanguageModel) -> Iterator[Complaint]:
    """Yields the path of each field that names what is not there, or asks for more tokens than the model has positions."""
    if isinstance(model, LanguageModel):
        yield from check_folder(model.pretrained, ("model", "pretrained"), "config.json")
        yield from check_folder(model.tokenizer, ("model", "tokenizer"))
        yield from check_positions(model.pretrained, model.max_tokens, ("model", "max_tokens"))
    else:
        yield from check_folder(model.image.pretrained, ("model", "image", "pretrained"), "config.json")
        yield from check_folder(model.text.pretrained, ("model", "text", "pretrained"), "config.json")
        yield from check_positions(model.text.pretrained, model.text.max_tokens, ("model", "text", "max_tokens"))


def check_folder(name: str, path: tuple[str, ...], file: str = "") -> Iterator[Complaint]:
    if not is_local(name):
        return
    if not Path(name).is_dir():
        yield path, f"there is no folder {name}"
    elif file and not (Path(name) / file).is_file():
        yield path, f"{name} has no {file}"


def is_local(name: str) -> bool:
    """A hub name is `name` or `owner/name`; what looks like a path, or is a folder, is local."""
    return name.startswith(("/", ".", "~")) or name.count("/") > 1 or (bool(name) and Path(name).is_dir())


def check_positions(name: str, max_tokens: int, path: tuple[str, ...]) -> Iterator[Complaint]:
    config = (config_of(name) if name else None) or {}
    positions = next((config[key] for key in POSITIONS if key in config), None)
    if positions is not None and max_tokens > positions:
        yield path, f"{max_tokens:,} tokens are more than the {positions:,} positions of {name}"


def config_of(name: str) -> dict[str, Any] | None:
    """Reads `config.json` of packaged weights or a local folder; None where there is none that can be read."""
    try:
        found = json.loads((Path(folder_of(name)) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
