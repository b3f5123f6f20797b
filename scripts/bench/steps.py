"""Times steps of our loop against the Hugging Face `Trainer` (plain torch where it is not installed), in turn in one run.

A round gives every contender a few steps, one after the other, so that what else the machine does hits all alike. A ratio is the
median of the rounds' ratios by the processor's clock on a CPU; above 1 our loop is faster.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import warnings
from typing import Any

import torch

from scripts.bench import contenders
from scripts.bench.contenders import Timing

NAME = "steps"
STAGE: dict[str, Any] = {
    "name": "Bench",
    "steps": 100_000,
    "regularisation": {"dropout": 0.1, "weight_decay": 0.01, "clip_norm": 1.0},
    "schedule": {"shape": "constant", "peak_rate": 1e-4},
}
# ResNet-18 and MiniLM by size, 64 px, 32 tokens.
IMAGE_TEXT = {
    "image": {"image_size": 64, "stem_width": 64, "widths": [64, 128, 256, 512], "depths": [2, 2, 2, 2]},
    "text": {"width": 384, "num_layers": 6, "num_heads": 12, "max_tokens": 32},
}
LANGUAGE = {"family": "causal_lm", "width": 256, "num_layers": 4, "num_heads": 4, "mlp_width": 688, "max_tokens": 128}
CASES: dict[str, tuple[dict[str, Any], str, str, int]] = {
    "image_text": (IMAGE_TEXT, "sentiment", "natural-pairs", 16),
    "causal_lm": (LANGUAGE, "causal_lm", "instructions-human", 8),
}
PRESET = "our preset, bf16"


def job(case: str, **fields: Any) -> dict[str, Any]:
    model, kind, dataset, batch_size = CASES[case]
    task = {"kind": kind, "sources": [{"dataset": dataset}]}
    stage = {**STAGE, "tasks": [task], "batch_size": batch_size, **fields}
    return {"model": model, "stage": stage, "index": 1, "is_last": False, "num_threads": 1}


def compete(case: str, num_rounds: int, num_steps: int) -> dict[str, list[Timing]]:
    """Returns the timings of each contender, round by round."""
    rival = contenders.transformers if contenders.HAS_TRAINER else contenders.plain
    names = {contenders.transformers: "Hugging Face Trainer", contenders.plain: "plain torch"}
    total = num_rounds * num_steps
    field = {
        "our loop": contenders.ours(job(case), total),
        names[rival]: rival(job(case), total),
        PRESET: contenders.ours(job(case, precision="bf16"), total),
    }
    timings: dict[str, list[Timing]] = {name: [] for name in field}
    for number in range(num_rounds):
        for name in list(field) if number % 2 else list(field)[::-1]:
            timings[name].append(field[name](num_steps))
    return timings


def rows(case: str, timings: dict[str, list[Timing]]) -> list[dict[str, Any]]:
    rival = next(name for name in timings if name not in ("our loop", PRESET))
    return [row(case, name, each, timings[rival]) for name, each in timings.items()]


def row(case: str, name: str, own: list[Timing], rival: list[Timing]) -> dict[str, Any]:
    processor = [each.processor_s for each in own]
    return {
        "case": case,
        "contender": name,
        "wall_ms": 1000 * statistics.median(each.wall_s for each in own),
        "processor_ms": 1000 * statistics.median(processor),
        "ratio": statistics.median(other.processor_s / each for other, each in zip(rival, processor, strict=True)),
        "wall_ratio": statistics.median(other.wall_s / each.wall_s for other, each in zip(rival, own, strict=True)),
        "rounds": [[each.wall_s, each.processor_s] for each in own],
    }


def main(arguments: list[str]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__)
    parser.add_argument("--case", dest="cases", action="append", choices=list(CASES), help="one of them alone; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="steps of each contender in a round; the first is not timed")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    if not contenders.HAS_TRAINER:
        print("accelerate is not installed: the rival is a plain torch loop (pip install --no-deps accelerate==1.15.0 psutil)")
    return [each for case in options.cases or CASES for each in rows(case, compete(case, options.rounds, options.steps))]
