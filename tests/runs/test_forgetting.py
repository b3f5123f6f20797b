"""The table stage x data set: which stage was best at what, and what counting words alone would reach."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.runs.experts import layers_of
from dashboard.runs.forgetting import Cell, forgetting_of
from dashboard.runs.models import Run, Stage
from tests.cast import Cast


def stage(index: int, losses: dict[str, float | str], baseline: dict[str, float] | None = None) -> Stage:
    return Stage(index=index, name=f"stage {index}", watched={"losses": losses, "baseline": baseline or {}} if losses else {})


def test_the_least_loss_of_each_data_set_is_the_best_and_what_nobody_asked_stays_empty() -> None:
    found = forgetting_of(
        [stage(1, {"text": 2.0}, {"text": 7.0}), stage(2, {"text": 2.5, "math": 1.0}, {"text": 7.0, "math": 5.0}), stage(3, {})]
    )
    assert found is not None
    assert found.datasets == ["math", "text"]
    assert [line.stage.index for line in found.lines] == [1, 2]
    assert [line.cells for line in found.lines] == [[Cell(None), Cell(2.0, True)], [Cell(1.0, True), Cell(2.5)]]
    assert found.baseline == [5.0, 7.0]


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    found = forgetting_of([stage(1, {"text": "nan"}), stage(2, {"text": 3.0})])
    assert found is not None
    assert [line.cells[0].is_best for line in found.lines] == [False, True]
    assert not found.has_baseline


def test_before_a_stage_has_been_asked_there_is_no_table() -> None:
    assert forgetting_of([stage(1, {})]) is None


def test_an_expert_with_the_equal_share_is_half_as_high_as_the_field() -> None:
    (layer,) = layers_of([[0.25, 0.75, 0.0, 0.0]])
    assert layer.bars == [(0.0, 12.0, 12.0), (25.0, 0.0, 24), (50.0, 24.0, 0.0), (75.0, 24.0, 0.0)]
    assert (layer.least, layer.most) == (0.0, 0.75)


@pytest.mark.django_db
def test_the_stages_tab_shows_the_table_the_sources_and_the_experts(alice: Client, cast: Cast) -> None:
    run: Run = cast.submit()
    source = {
        "task": "causal_lm",
        "dataset": "plain-text",
        "asked": 0.37,
        "seen": 0.3712,
        "num_samples": 12,
        "num_tokens": 3456,
        "epochs": 1.5,
    }
    Stage.objects.filter(run=run, index=1).update(
        ledger=[source], expert_loads=[[0.4, 0.6]], watched={"losses": {"plain-text": 3.25}, "baseline": {"plain-text": 7.5}}
    )
    text = alice.get(f"/runs/{run.pk}/stages/").content.decode()
    for words in (
        "Asked for",
        "37.00",
        "37.12",
        "3,456",
        "Load of its experts",
        "60.00",
        "Forgetting check",
        "3.25",
        "Unigram model",
        "7.5",
    ):
        assert words in text, words
