"""The command line of serving: an option for each field of the configuration, so that its bounds and its help are told in one place."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from trainer.config.serving import Serving

LISTS = ("preferred_batch_sizes",)


def add_serving_options(found: argparse.ArgumentParser) -> None:
    found.add_argument("--precision", choices=("fp32", "int8"), default="fp32", help="triton: which version is served")
    found.add_argument("--version", type=int, help="triton: number of the version; the next one otherwise")
    for name, field in Serving.model_fields.items():
        option = "--" + name.replace("_", "-")
        if field.annotation is bool:
            found.add_argument(option, action="store_true", help=f"triton: {field.description}")
        else:
            found.add_argument(option, default=argparse.SUPPRESS, help=f"triton: {field.description} ({field.default})")


def serving_of(options: argparse.Namespace) -> Serving:
    """Raises pydantic.ValidationError, whose errors name the field."""
    given = {name: getattr(options, name) for name in Serving.model_fields if hasattr(options, name)}
    return Serving.model_validate(given | {name: [each for each in given[name].split(",") if each] for name in LISTS if name in given})


def export_triton(options: argparse.Namespace) -> str:
    """The verb `export --format triton`: from an export, a folder that holds one, or the last checkpoint of a train folder."""
    from trainer.runtimes import CARD
    from trainer.triton.repository import write_repository

    serving, folder = serving_of(options), options.folder
    if options.version is not None and options.version < 1:
        raise ValueError("--version: versions are counted from 1")
    exported = next((path for path in (folder, folder / "export") if (path / CARD).exists()), None)
    with tempfile.TemporaryDirectory() as scratch:
        if not exported and options.precision != "fp32":
            raise ValueError(f"{folder} holds no {options.precision} model: run `quantize` first")
        source = exported or exported_now(folder, Path(scratch) / "export")
        number = write_repository(source, options.to, options.precision, serving, options.version)
    return f"{options.to} version {number}"


def exported_now(folder: Path, to: Path) -> Path:
    from trainer import checkpoint
    from trainer.export import export_checkpoint

    export_checkpoint(checkpoint.newest(folder), to)
    return to


def check_triton(options: argparse.Namespace) -> int:
    """The verb `check-triton`: levels 1 and 2, and with `--load` the third."""
    from trainer.triton.check import check_repository
    from trainer.triton.server import Server

    models = check_repository(options.folder)
    if options.load:
        with Server(options.folder):
            pass
    print(f"{', '.join(models)}: right" + (", and a Triton server loads them" if options.load else ""))
    return 0
