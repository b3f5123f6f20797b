"""What goes into an ONNX graph and comes out: names, number types and dimensions, held against what a model's card promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.runtimes import ModelCard

DYNAMIC = -1


@dataclass(frozen=True)
class Tensor:
    """One input or output: `type` as ONNX Runtime writes it inside `tensor(...)`, -1 in `dims` where any length is taken."""

    name: str
    type: str
    dims: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.type}[{', '.join('any' if dim == DYNAMIC else str(dim) for dim in self.dims)}]"


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs in the graph's order, the batch as the first dimension of each."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def of_session(session: object) -> Signature:
    """Reads an `onnxruntime.InferenceSession`."""
    given, made = session.get_inputs(), session.get_outputs()  # type: ignore[attr-defined]
    return Signature(tuple(map(of_node, given)), tuple(map(of_node, made)))


def of_node(node: object) -> Tensor:
    dims = tuple(dim if isinstance(dim, int) else DYNAMIC for dim in node.shape)  # type: ignore[attr-defined]
    return Tensor(node.name, node.type.removeprefix("tensor(").removesuffix(")"), dims)  # type: ignore[attr-defined]


def promised(card: ModelCard) -> Signature:
    """What a classifier's graph has by its card; texts of any length where the graph allows it."""
    side = card.image_size
    every = {
        "picture": Tensor("picture", "float", (DYNAMIC, 3, side, side)),
        "tokens": Tensor("tokens", "int64", (DYNAMIC, DYNAMIC)),
        "mask": Tensor("mask", "int64", (DYNAMIC, DYNAMIC)),
    }
    logits = Tensor("logits", "float", (DYNAMIC, len(card.classes)))
    return Signature(tuple(every[name] for name in card.names), (logits,))


def check_signature(found: Signature, card: ModelCard, file: str) -> None:
    """Raises ValueError naming the file and the input or output that is not what the card promises."""
    wanted = promised(card)
    for kind, given, asked in (("input", found.inputs, wanted.inputs), ("output", found.outputs, wanted.outputs)):
        for tensor in asked:
            check_tensor(next((each for each in given if each.name == tensor.name), None), tensor, f"{file}: {kind}", card.max_tokens)
        if more := [each.name for each in given if each.name not in {tensor.name for tensor in asked}]:
            raise ValueError(f"{file}: {kind} {more[0]} is not in the model's card")


def check_tensor(found: Tensor | None, asked: Tensor, place: str, max_tokens: int) -> None:
    """A graph of one length of text is good too, where it is the longest of the card."""
    if found is None:
        raise ValueError(f"{place} {asked.name} is missing")
    lengths = {DYNAMIC: (DYNAMIC, max_tokens)}
    fits = len(found.dims) == len(asked.dims) and all(
        dim in lengths.get(wanted, (wanted,)) for dim, wanted in zip(found.dims, asked.dims, strict=True)
    )
    if found.type != asked.type or not fits or found.dims[0] != DYNAMIC:
        raise ValueError(f"{place} {asked.name} is {found}, not {asked}")
