"""What the trainer says of its data, its experts and what it has forgotten, as the stage keeps it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.playground.models import Probe, Score
from dashboard.runs.lifecycle import Lease
from dashboard.runs.models import Attempt, Stage
from trainer.events import FILE_NAME
from workers.relay import Relay

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(lease: Lease) -> Attempt:
    found = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    found.folder.mkdir(parents=True)
    return found


def relay(lease: Lease, attempt: Attempt, *given: dict[str, Any]) -> Stage:
    with (attempt.folder / FILE_NAME).open("a") as file:
        for number, event in enumerate(given, 1):
            file.write(json.dumps({"seq": number, "at": 1.0, "stage": 1, "step": 5, **event}) + "\n")
    Relay(lease, attempt).pump()
    return Stage.objects.get(pk=lease.job_id)


def source(seen: float) -> dict[str, Any]:
    return {"task": "causal_lm", "dataset": "plain", "asked": 0.8, "seen": seen, "num_samples": 3, "num_tokens": 40, "epochs": 0.5}


def test_the_newest_ledger_of_the_sources_is_kept(lease: Lease, attempt: Attempt) -> None:
    stage = relay(lease, attempt, {"kind": "drawn", "sources": [source(0.7)]}, {"kind": "drawn", "sources": [source(0.79)]})
    assert stage.ledger == [source(0.79)]


def test_the_load_of_the_experts_is_kept_by_layer(lease: Lease, attempt: Attempt) -> None:
    loads = [[0.25, 0.75], [0.5, 0.5]]
    assert relay(lease, attempt, {"kind": "routed", "loads": loads}).expert_loads == loads


def test_what_a_stage_has_forgotten_is_kept_beside_the_unigram_model(lease: Lease, attempt: Attempt) -> None:
    figures = {"losses": {"plain": 3.5, "code": "nan"}, "baseline": {"plain": 7.0}}
    assert relay(lease, attempt, {"kind": "watched", **figures}).watched == figures


def test_what_a_checkpoint_says_of_the_probes_is_kept_once(lease: Lease, attempt: Attempt) -> None:
    """A probe that was taken out of the set meanwhile has no score, and a step that was trained again the newer one."""
    probe = Probe.objects.create(project=attempt.job.run.project, text="Well said.")
    gone = str(probe.pk + 1)
    for right in (0.6, 0.8):
        scores = {str(probe.pk): {"positive": right, "negative": 1 - right}, gone: {"positive": 1.0}}
        relay(lease, attempt, {"kind": "probed", "scores": scores})
    (score,) = Score.objects.all()
    assert (score.stage_id, score.step, score.probabilities["positive"]) == (lease.job_id, 5, 0.8)
