"""From an export folder to a Triton model repository: the pipeline, its preprocessing and the graph, in numbered versions."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

import trainer
from trainer.config.serving import Precision, Serving
from trainer.manifest import verify
from trainer.runtimes import CARD, ModelCard
from trainer.signature import DYNAMIC, Signature, Tensor, check_signature
from trainer.triton import configs
from trainer.triton.check import CONFIG, GRAPH, check_against, check_repository, parse
from trainer.triton.graph import load_graph, signature_of, with_probabilities

INSIDE = Path(__file__).with_name("inside")
TRAINER = Path(trainer.__file__).parent
# What the preprocessing needs of the trainer, copied into the repository as it is.
CARRIED = ("__init__.py", "inputs.py", "data/__init__.py", "data/pictures.py", "data/uploads.py")
LEAST_VERSION = 1


def write_repository(
    exported: Path, to: Path, precision: Precision = "fp32", serving: Serving | None = None, version: int | None = None
) -> int:
    """Writes a version of the three models; a repository that is there gets one more. Returns the version's number.

    Raises ValueError for an export that may not be served, for a version that is there already, and for another folder's content.
    """
    serving = serving or Serving()
    verify(exported)
    document = json.loads((exported / CARD).read_text())
    card = ModelCard.model_validate(document)
    refuse_unfit(card, precision, exported, document.get("gate"))
    number = new_version(to, version)
    graph = load_graph(exported / card.files[precision])
    check_signature(signature_of(graph), card, card.files[precision])
    partial = new_partial(to)
    older = older_signatures(to)
    write_version(partial, exported, card, with_probabilities(graph), serving, number)
    write_configs(partial, card, narrowed(signature_of(graph), older), serving)
    check_repository(partial)
    check_older(older, partial)
    move(partial, to)
    return number


def new_partial(folder: Path) -> Path:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def refuse_unfit(card: ModelCard, precision: Precision, exported: Path, gate: dict[str, Any] | None) -> None:
    """What the export gate did not let through is not served: it lost more accuracy than the run allows."""
    if precision not in card.files:
        raise ValueError(f"{exported} has no {precision} version; it has {', '.join(card.files)}")
    if precision != "fp32" and gate and not gate["passes"]:
        lost, most = gate["drops"][gate["winner"]], gate["max_drop"]
        raise ValueError(
            f"precision: {precision} lost {lost:g} points of accuracy, more than the {most:g} of the export gate: it is not served"
        )


def new_version(to: Path, asked: int | None) -> int:
    if not to.exists() or not any(to.iterdir()):
        return LEAST_VERSION if asked is None else asked
    if not (to / configs.MODEL / CONFIG).is_file():
        raise ValueError(f"--to: {to} holds something else than a model repository")
    present = {int(path.name) for path in (to / configs.MODEL).iterdir() if path.name.isdecimal()}
    number = max(present, default=0) + 1 if asked is None else asked
    if number in present:
        raise ValueError(f"--version: {to} has a version {number} already")
    return number


def older_signatures(to: Path) -> dict[str, Signature]:
    """Of the versions that are there, by their numbers."""
    return {path.parent.name: signature_of(load_graph(path)) for path in sorted((to / configs.MODEL).glob(f"*/{GRAPH}"))}


def check_older(older: dict[str, Signature], partial: Path) -> None:
    """One configuration is for all versions of a model: the older ones must still fit it."""
    config = parse(partial / configs.MODEL / CONFIG)
    for version, signature in older.items():
        check_against(config, signature, f"version {version} does not fit the new {configs.MODEL}/{CONFIG}")


def move(partial: Path, to: Path) -> None:
    """Versions first, configurations last: a server that polls the folder sees a version when it is whole."""
    for folder in partial.iterdir():
        (to / folder.name).mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir(), key=lambda path: path.is_file()):
            path.replace(to / folder.name / path.name)
    shutil.rmtree(partial)


def narrowed(signature: Signature, older: dict[str, Signature]) -> Signature:
    """Where another version takes one length alone, all are asked for that length: one configuration is for all of them."""
    known = {tensor.name: tensor for other in older.values() for tensor in other.inputs if DYNAMIC not in tensor.dims[1:]}
    return Signature(tuple(narrower(tensor, known.get(tensor.name, tensor)) for tensor in signature.inputs), signature.outputs)


def narrower(tensor: Tensor, other: Tensor) -> Tensor:
    if len(tensor.dims) != len(other.dims):
        return tensor
    rest = (said if dim == DYNAMIC else dim for dim, said in zip(tensor.dims[1:], other.dims[1:], strict=True))
    return replace(tensor, dims=(tensor.dims[0], *rest))


def write_version(to: Path, exported: Path, card: ModelCard, graph: onnx.ModelProto, serving: Serving, number: int) -> None:
    write_graph(to / configs.MODEL / str(number), graph, card, serving)
    write_inputs(to / configs.INPUTS / str(number), exported, card)
    (to / configs.PIPELINE / str(number)).mkdir(parents=True)


def write_configs(to: Path, card: ModelCard, signature: Signature, serving: Serving) -> None:
    labels = "\n".join(card.classes) + "\n"
    for name, config in {
        configs.MODEL: configs.config_of_model(signature, serving, card.max_tokens),
        configs.INPUTS: configs.config_of_inputs(signature, serving, card.max_tokens),
        configs.PIPELINE: configs.config_of_pipeline(signature, serving),
    }.items():
        (to / name / CONFIG).write_text(configs.as_text(config))
        if name != configs.INPUTS:
            (to / name / configs.LABELS).write_text(labels)


def write_graph(folder: Path, graph: onnx.ModelProto, card: ModelCard, serving: Serving) -> None:
    folder.mkdir(parents=True)
    onnx.save(graph, folder / GRAPH)
    if serving.cuda_graphs:
        (folder / "build-plan.sh").write_text(plan_script(card, serving))


def plan_script(card: ModelCard, serving: Serving) -> str:
    """A TensorRT plan belongs to the GPU it is built on, so it is built there, with the tool of NVIDIA's image."""
    shapes = {"picture": (3, card.image_size, card.image_size), "tokens": (card.max_tokens,), "mask": (card.max_tokens,)}

    def of(batch: int) -> str:
        return ",".join(f"{name}:{'x'.join(map(str, (batch, *shapes[name])))}" for name in card.names)

    most = serving.max_batch_size
    bounds = f"--minShapes={of(1)} --optShapes={of(most)} --maxShapes={of(most)}"
    return f'#!/bin/sh\nset -e\ncd "$(dirname "$0")"\ntrtexec --onnx={GRAPH} --saveEngine=model.plan {bounds}\n'


def write_inputs(folder: Path, exported: Path, card: ModelCard) -> None:
    folder.mkdir(parents=True)
    shutil.copy2(INSIDE / "inputs_model.py", folder / "model.py")
    shutil.copy2(exported / "tokenizer.json", folder)
    (folder / "card.json").write_text(json.dumps({"names": card.names, "image_size": card.image_size}) + "\n")
    for name in CARRIED:
        (folder / "trainer" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TRAINER / name, folder / "trainer" / name)
