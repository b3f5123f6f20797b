"""The folder of a version: the model's files, checked and kept apart from the run, so that they outlive it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dashboard.registry.sources import Source
from trainer import contents
from trainer.manifest import MANIFEST, Damaged, digest, files_of, write_manifest
from trainer.runtimes import CARD, ModelCard

FOLDER = "model"
# Only needed to go on with the training, and as large as the weights.
NOT_KEPT = ("optimizer.safetensors", "random.safetensors")
WITH_EVERY_TWIN = (CARD, "tokenizer.json")

Files = dict[str, dict[str, Any]]


def keep(source: Source, folder: Path) -> None:
    """Puts the files of a source into `folder/model`, with a manifest of their own. Raises Damaged, naming the file.

    What is checked is what lies in the new folder: nothing that happens to the run afterwards changes it.
    """
    if not source.folder.is_dir():
        raise Damaged(f"the files of {source.folder.name} are not here")
    expected = files_of(source.folder)
    names = chosen(source, expected)
    target = folder / FOLDER
    target.mkdir(parents=True)
    for name in names:
        take(source.folder / name, target / name)
    write_manifest(target)
    card = card_in(target)
    for name, found in files_of(target).items():
        if found["sha256"] != expected[name]["sha256"]:
            raise Damaged(f"{name} is not what was saved")
        contents.check(target / name, card)
    if card and not source.is_checkpoint:
        tell_apart(target, card.files[source.precision])


def tell_apart(target: Path, file: str) -> None:
    """The card names the one file that is here, under every name that it has, and the manifest follows it."""
    card = json.loads((target / CARD).read_bytes())
    card["files"] = {name: each for name, each in card["files"].items() if each == file}
    write(target / CARD, json.dumps(card, indent=1))
    (target / MANIFEST).unlink()
    write_manifest(target)


def chosen(source: Source, expected: Iterable[str]) -> list[str]:
    """The names of the files that make the model. Raises Damaged for a name that leads out of the folder, or a file that is not listed."""
    listed = sorted(expected)
    if odd := [name for name in listed if Path(name).name != name]:
        raise Damaged(f"{MANIFEST} names {odd[0]!r}, which is no file of the folder")
    if source.is_checkpoint:
        return [name for name in listed if name not in NOT_KEPT]
    card = card_in(source.folder)
    own = card.files.get(source.precision, "") if card else ""
    if own not in listed:
        raise Damaged(f"{CARD} names no file of {source.precision}")
    return [name for name in listed if name in WITH_EVERY_TWIN or name.startswith(own)]


def take(path: Path, target: Path) -> None:
    """A second name of the same file where the file system has that, else a copy. Raises Damaged for what is no file."""
    if path.is_symlink() or not path.is_file():
        raise Damaged(f"{path.name} is missing")
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def card_in(folder: Path) -> ModelCard | None:
    """Raises Damaged for a card that cannot be read."""
    path = folder / CARD
    if not path.exists():
        return None
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise Damaged(f"{CARD} is no card of a model") from error


def write(path: Path, text: str) -> None:
    """Under a name of its own first: the file may have a second name in the run, which stays as it is."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else text + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def listed(folder: Path) -> Files:
    """Returns digest and size of every file of a version's folder, by its path from there; those of the model as its manifest has them."""
    model = {f"{FOLDER}/{name}": found for name, found in files_of(folder / FOLDER).items()}
    others = [*(path for path in folder.iterdir() if path.is_file()), folder / FOLDER / MANIFEST]
    return model | {str(path.relative_to(folder)): {"sha256": digest(path), "size_bytes": path.stat().st_size} for path in others}


def check_kept(folder: Path, files: Files) -> None:
    """Raises Damaged, naming the file, unless every file is still what was registered."""
    for name, expected in files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise Damaged(f"{name} is missing")
        if digest(path) != expected["sha256"]:
            raise Damaged(f"{name} is not what was registered")
