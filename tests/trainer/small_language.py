"""Language models of a few thousand parameters, one of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.config import FAMILIES, LanguageModel
from trainer.data.writing import Sample, write_dataset

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

SIZES: dict[str, Any] = {"width": 16, "num_layers": 2, "num_heads": 2, "mlp_width": 24, "max_tokens": 16}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {"family": "causal_lm"},
    "mixtral": {"family": "moe_lm", "num_experts": 4},
    "deepseek_v3": {"family": "moe_lm", "num_experts": 4, "balance": "bias"},
    "bert": {"family": "masked_lm"},
}
VOCABULARY = 320
TEXTS = [f"The {animal} number {number} sat on the mat.\n" for number in range(40) for animal in ("cat", "dog", "heron")]


def config(kind: str, **changed: Any) -> LanguageModel:
    fields = SIZES | KINDS[kind] | changed
    found = FAMILIES[fields["family"]].model_validate(fields)
    assert isinstance(found, LanguageModel)
    return found


def network(kind: str, seed: int = 0, **changed: Any) -> PreTrainedModel:
    """Builds the network in evaluation mode, with weights large enough that attention and routing tell tokens apart."""
    import torch

    from trainer.models import language

    torch.manual_seed(seed)
    built = language.build(config(kind, **changed), VOCABULARY).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    return built


def tokens(*shape: int, seed: int = 0) -> Tensor:
    import torch

    return torch.randint(5, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def positions(*rows: tuple[int, ...]) -> Tensor:
    """Returns the positions of rows given by the lengths of their documents."""
    import torch

    return torch.stack([torch.cat([torch.arange(length) for length in row]) for row in rows])


def write_texts(root: Path) -> Path:
    """Writes a small data set of each kind of text, and returns the folder of data sets."""
    speeches = [
        f"My fellow citizens, in the year {1900 + number} we {verb} the roads." for number in range(30) for verb in ("mend", "build")
    ]
    code = [f"def add_{number}(value):\n    return value + {number}\n" * (1 + number % 3) for number in range(20)]
    facts = [{"head": f"heron {number}", "relation": "kind of", "tail": f"bird {number % 5}"} for number in range(40)]
    sums = [{"problem": f"{one} + {other}", "solution": str(one + other)} for one in range(8) for other in range(8)]
    talks = [{"instruction": f"Name number {number}.", "input": "", "output": f"It is {number}."} for number in range(30)]
    for name, rows in (("speeches", speeches), ("code", code)):
        write(root / name, [Sample(text=row) for row in rows], ("text",))
    for name, fields in (("facts", facts), ("sums", sums), ("talks", talks)):
        write(root / name, [Sample(fields=row) for row in fields], tuple(fields[0]))
    return root


def write(folder: Path, samples: list[Sample], columns: tuple[str, ...]) -> None:
    """Every fifth row is for validation, the one behind it for the test."""
    splits = {"train": [], "validation": [], "test": []}  # type: dict[str, list[Sample]]
    for number, sample in enumerate(samples):
        splits[("validation", "test", "train", "train", "train")[number % 5]].append(sample)
    write_dataset(folder, splits, columns, title=folder.name)


def task(kind: str, *datasets: str, weight: float = 1, **fields: Any) -> dict[str, Any]:
    """Shares are 3, 2, 1 and so on, from the first data set."""
    sources = [{"dataset": name, "share": len(datasets) - place} for place, name in enumerate(datasets)]
    return {"kind": kind, "weight": weight, "sources": sources, **fields}


def job(kind: str, *tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The config of one stage on such a model; `fields` are the stage's."""
    stage = {"name": "Foundation", "tasks": tasks, "batch_size": 4, "steps": 8, "validation_interval": 4, "checkpoint_interval": 3}
    model = SIZES | KINDS[kind] | {"vocabulary_size": VOCABULARY, "max_tokens": 24}
    return {"model": model, "stage": stage | fields, "index": 1, "is_last": True, "num_threads": 1, "watched": tasks}
