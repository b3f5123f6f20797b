"""Do the stages matter? The example in three stages against its last stage alone, as many steps in all, over some seeds.

    python -m scripts.experiments.stages_matter --to FOLDER [--seeds 5] [--recipe sentiment-example] [--shorten 1] [--threads 2]

Each run is a folder of `python -m trainer train`; one that has ended is not trained again, one that was broken off goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from trainer import recipes
from trainer.config import Run, Stage
from trainer.events import FILE_NAME, read_from

ROOT = Path(__file__).resolve().parents[2]
METRICS = ("test/accuracy", "test/macro_f1")
STEPS_OF_STAGE = ("steps", "validation_interval", "checkpoint_interval")
STEPS_OF_SCHEDULE = ("warmup_steps", "plateau_steps", "decay_interval", "decay_steps")
Results = dict[str, float]


def stretched(stage: Stage, factor: float) -> Stage:
    """The same stage with every number of steps multiplied: its curve of the learning rate keeps its shape."""
    schedule = {name: count for name in STEPS_OF_SCHEDULE if (count := getattr(stage.schedule, name)) is not None}
    document = stage.model_dump(mode="json") | {name: times(getattr(stage, name), factor) for name in STEPS_OF_STAGE}
    document["schedule"] |= {name: times(count, factor) if count else count for name, count in schedule.items()}
    return Stage.model_validate(document)


def times(count: int | None, factor: float) -> int:
    if count is None:
        raise ValueError("a stage of the recipe gives its length in epochs, not in steps")
    return max(1, round(count * factor))


def arms(recipe: Run, shorten: float) -> dict[str, tuple[Stage, ...]]:
    staged = tuple(stretched(stage, 1 / shorten) for stage in recipe.stages)
    total, last = sum(stage.steps or 0 for stage in staged), staged[-1]
    return {"three stages": staged, "last stage alone": (stretched(last, total / (last.steps or 1)),)}


def run_of(recipe: Run, stages: tuple[Stage, ...], seed: int, threads: int) -> Run:
    seeded = tuple(stage.model_copy(update={"seed": seed}) for stage in stages)
    return recipe.model_copy(update={"stages": seeded, "quantization": None, "num_threads": threads})


def trained(run: Run, folder: Path) -> Results:
    """Trains in the folder unless it has been, and returns the test figures. Raises ValueError where another run lies there."""
    document = json.dumps(run.model_dump(mode="json"), indent=1)
    config = folder / "config.json"
    folder.mkdir(parents=True, exist_ok=True)
    if config.exists() and config.read_text() != document:
        raise ValueError(f"{config} is of another experiment: name another folder with --to")
    config.write_text(document)
    if not (found := results(folder, len(run.stages))):
        subprocess.run([sys.executable, "-m", "trainer", "train", str(folder)], cwd=ROOT, check=True)
        found = results(folder, len(run.stages))
    return found


def results(folder: Path, last: int) -> Results:
    """What the last stage said when it finished; empty while it has not."""
    events, _ = read_from(folder / FILE_NAME, 0)
    ends = [event["results"] for event in events if event["kind"] == "finished" and event["stage"] == last]
    return {name: ends[-1][name] for name in METRICS} if ends else {}


def summary(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{100 * statistics.mean(values):8.2f} +- {100 * deviation:.2f}"


def report(found: dict[str, dict[int, Results]]) -> None:
    """Figures in percent; standard deviations are of the sample. The difference is taken seed by seed."""
    (first, one), (second, other) = found.items()
    for metric in METRICS:
        print(f"\n{metric}, %\n{'seed':<6}{first:>20}{second:>20}{'difference':>20}")
        rows = [(one[seed][metric], other[seed][metric]) for seed in one]
        for seed, (left, right) in zip(one, rows, strict=True):
            print(f"{seed:<6}{100 * left:>20.2f}{100 * right:>20.2f}{100 * (left - right):>+20.2f}")
        columns = [[left for left, _ in rows], [right for _, right in rows], [left - right for left, right in rows]]
        print(f"{'mean':<6}{''.join(f'{summary(column):>20}' for column in columns)}")
        print(f"the {first} win {sum(left > right for left, right in rows)} of {len(rows)} seeds")


def options() -> argparse.Namespace:
    found = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    found.add_argument("--to", type=Path, required=True, help="folder of the runs")
    found.add_argument("--seeds", type=int, default=5, help="how many, from 1")
    found.add_argument("--recipe", default="sentiment-example")
    found.add_argument("--shorten", type=float, default=1, help="divides every number of steps, to try things out")
    found.add_argument("--threads", type=int, default=2)
    return found.parse_args()


def main() -> None:
    asked = options()
    recipe = recipes.load()[asked.recipe].config
    found: dict[str, dict[int, Results]] = {}
    for seed in range(1, asked.seeds + 1):
        for name, stages in arms(recipe, asked.shorten).items():
            folder = asked.to.resolve() / f"{name.replace(' ', '-')}-seed-{seed}"
            found.setdefault(name, {})[seed] = trained(run_of(recipe, stages, seed, asked.threads), folder)
    report(found)


if __name__ == "__main__":
    main()
