"""What an event says about its attempt and its job, beside the points: called inside the transaction that records it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dashboard.playground.models import Probe, Score
from dashboard.runs.models import Attempt, Evaluation, Job, LoadTest, Quantization, Stage
from trainer.quantization.gate import Gate


def progressed(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """How far a job has come that does not count steps."""
    told = {name: event[name] for name in ("what", "done", "total") if name in event}
    Job.objects.filter(pk=attempt.job_id).update(progress=told)


def stepped(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """The attempt's own row is written with its lease."""
    if not Stage.objects.filter(pk=attempt.job_id).update(last_step=event["step"]):
        advance(attempt, done=event["step"])


def started(attempt: Attempt, event: Mapping[str, Any]) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(first_step=event["first_step"])
    known = {name: event[name] for name in ("num_parameters", "num_trainable", "device", "num_steps")}
    if not Stage.objects.filter(pk=attempt.job_id).update(last_step=event["first_step"] - 1, **known):
        advance(attempt, what="Training with the rounding of INT8", done=event["first_step"] - 1, total=event["num_steps"])


def advance(attempt: Attempt, **told: Any) -> None:
    """Of a job that trains and is no stage."""
    job = Job.objects.only("progress").get(pk=attempt.job_id)
    Job.objects.filter(pk=job.pk).update(progress={**job.progress, **told})


def saved(attempt: Attempt, event: Mapping[str, Any]) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(checkpoint=relative(attempt, event["checkpoint"]))


def evaluated(attempt: Attempt, event: Mapping[str, Any]) -> None:
    add_results(attempt, event["metrics"])


def finished(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """A stage ends with a checkpoint, a quantization without."""
    add_results(attempt, event["results"])
    if "checkpoint" in event:
        Stage.objects.filter(pk=attempt.job_id).update(checkpoint=relative(attempt, event["checkpoint"]))


def add_results(attempt: Attempt, metrics: Mapping[str, float | str]) -> None:
    for stage in Stage.objects.filter(pk=attempt.job_id):
        stage.results = {**stage.results, **metrics}
        stage.save(update_fields=["results"])


def drawn(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """What each source was asked for and what it gave, from the stage's first step on."""
    Stage.objects.filter(pk=attempt.job_id).update(ledger=event["sources"])


def routed(attempt: Attempt, event: Mapping[str, Any]) -> None:
    Stage.objects.filter(pk=attempt.job_id).update(expert_loads=event["loads"])


def watched(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """The loss on every data set of the run at the end of the stage, beside a unigram model's."""
    Stage.objects.filter(pk=attempt.job_id).update(watched={name: event[name] for name in ("losses", "baseline")})


def probed(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """What a checkpoint says of the project's probes, but for those that were taken out of the set meanwhile."""
    known = set(Probe.objects.filter(project=attempt.job.run.project_id).values_list("pk", flat=True))
    rows = [
        Score(probe_id=int(probe), stage_id=attempt.job_id, step=event["step"], probabilities=found)
        for probe, found in event["scores"].items()
        if int(probe) in known
    ]
    Score.objects.bulk_create(rows, update_conflicts=True, unique_fields=["probe", "stage", "step"], update_fields=["probabilities"])


def measured(attempt: Attempt, event: Mapping[str, Any]) -> None:
    job = Quantization.objects.get(pk=attempt.job_id)
    row = {name: value for name, value in event.items() if name not in ("seq", "at", "kind", "stage")}
    job.rows = [each for each in job.rows if each["precision"] != row["precision"]] + [row]
    job.save(update_fields=["rows"])


def judged(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """The verdict of the export gate, in its row of each INT8 too, and where the samples lie whose answer flipped, if any can."""
    job = Quantization.objects.get(pk=attempt.job_id)
    job.gate = {name: event[name] for name in ("max_drop", "drops", "winner", "passes")}
    gate = Gate.model_validate(job.gate)
    verdicts = {name: "passed" if gate.allows(name) else "failed" for name in gate.drops}
    job.rows = [{**row, "gate": verdicts[row["precision"]]} if row["precision"] in verdicts else row for row in job.rows]
    job.flipped = relative(attempt, event["flipped"]) if event["flipped"] else ""
    job.save(update_fields=["gate", "rows", "flipped"])


def exported(attempt: Attempt, event: Mapping[str, Any]) -> None:
    files = {name: relative(attempt, path) for name, path in event["files"].items()}
    Quantization.objects.filter(pk=attempt.job_id).update(files=files)
    LoadTest.objects.filter(pk=attempt.job_id).update(repository=files.get("repository", ""))


def scored(attempt: Attempt, event: Mapping[str, Any]) -> None:
    """The figures are kept in the row, so that they are there for whoever cannot see the worker's disk."""
    figures = json.loads((attempt.folder / event["figures"]).read_text())
    samples = relative(attempt, event["samples"]) if event["samples"] else ""
    Evaluation.objects.filter(pk=attempt.job_id).update(figures=figures, samples=samples, progress={})


def serving(attempt: Attempt, event: Mapping[str, Any]) -> None:
    LoadTest.objects.filter(pk=attempt.job_id).update(server={name: event[name] for name in ("triton", "backend")})


def served(attempt: Attempt, event: Mapping[str, Any]) -> None:
    job = LoadTest.objects.get(pk=attempt.job_id)
    job.rows = [*job.rows, {name: value for name, value in event.items() if name not in ("seq", "at", "kind")}]
    job.save(update_fields=["rows"])


# What a page shows of a run, its stages and its quantization, beside the newest step.
CHANGES_STATE = (
    "preparing", "progressed", "started", "evaluated", "finished", "measured", "judged", "exported", "scored", "serving", "served",
)  # fmt: skip
KINDS: dict[str, Callable[[Attempt, Mapping[str, Any]], None]] = {
    "started": started,
    "preparing": progressed,
    "progressed": progressed,
    "stepped": stepped,
    "saved": saved,
    "evaluated": evaluated,
    "finished": finished,
    "drawn": drawn,
    "routed": routed,
    "watched": watched,
    "probed": probed,
    "measured": measured,
    "judged": judged,
    "exported": exported,
    "scored": scored,
    "serving": serving,
    "served": served,
}


def relative(attempt: Attempt, path: str) -> str:
    """A path inside the attempt's folder as the database keeps it: relative to the folder of all runs."""
    return str((attempt.folder / path).relative_to(attempt.job.run.folder.parent))
