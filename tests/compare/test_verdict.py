"""The first line of a comparison: it names a stage only where results or configs can."""

from __future__ import annotations

import pytest

from dashboard.compare.differences import differences
from dashboard.compare.matrix import Matrix, matrix_of
from dashboard.compare.verdict import Verdict, interval, verdict
from dashboard.compare.views import colours_of
from dashboard.runs.models import Run, Stage, Status
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def ended(cast: Cast, *accuracies: float, same_tasks: bool = False, test: float | None = None, **changes: object) -> Run:
    """A completed run with these accuracies; `s3_seed=2` changes a field of its third stage."""
    run = cast.submit()
    for stage in run.config["stages"] if same_tasks else []:
        stage["tasks"] = run.config["stages"][2]["tasks"]
    for name, value in changes.items():
        stage, field = name[1:].split("_", 1)
        run.config["stages"][int(stage) - 1][field] = value
    run.save()
    for stage, accuracy in zip(Stage.objects.filter(run=run).order_by("index"), accuracies, strict=True):
        stage.results = {"validation/accuracy": accuracy} | ({"test/accuracy": test} if test and stage.index == 3 else {})
        stage.status = Status.COMPLETED
        stage.save()
    return run


def judge(*runs: Run, metric: str = "accuracy") -> Verdict:
    return verdict(table(*runs, metric=metric), differences([run.config for run in runs]))


def table(*runs: Run, metric: str = "accuracy") -> Matrix:
    return matrix_of(runs, metric, differences([run.config for run in runs]))


def test_with_the_same_tasks_the_results_say_which_stage_made_the_difference(cast: Cast) -> None:
    found = judge(ended(cast, 0.2, 0.3, 0.40, same_tasks=True), ended(cast, 0.2, 0.31, 0.95, same_tasks=True))
    assert found.title == "Refinement makes the difference: +54.00 of +55.00 pt"
    assert found.stage == 3
    assert [(share.text, share.is_largest) for share in found.shares] == [("0.00", False), ("+1.00", False), ("+54.00", True)]
    assert "outside noise" in found.detail


def test_a_difference_within_noise_is_said_in_the_first_line(cast: Cast) -> None:
    found = judge(ended(cast, 0.5, 0.6, 0.700, same_tasks=True), ended(cast, 0.5, 0.6, 0.701, same_tasks=True))
    assert "within noise" in found.title
    assert "within noise" in found.detail


def test_with_different_tasks_only_one_differing_stage_can_be_named(cast: Cast) -> None:
    found = judge(ended(cast, 0.5, 0.6, 0.4), ended(cast, 0.5, 0.6, 0.9, s3_seed=77))
    assert found.title == "Only Refinement differs: it makes +50.00 pt"
    assert found.stage == 3
    small = judge(ended(cast, 0.5, 0.6, 0.7), ended(cast, 0.5, 0.6, 0.705, s3_seed=77))
    assert small.title == "Only Refinement differs: +0.50 pt, which is within noise"


def test_with_several_differing_stages_none_is_named(cast: Cast) -> None:
    found = judge(ended(cast, 0.5, 0.6, 0.7), ended(cast, 0.5, 0.6, 0.75, s1_seed=77, s3_seed=77))
    assert found.stage == 0
    assert "no single stage can be named" in found.title


def test_the_same_config_is_called_that(cast: Cast) -> None:
    assert judge(ended(cast, 0.5, 0.6, 0.7), ended(cast, 0.5, 0.6, 0.72)).title.startswith("The configs are the same")


def test_the_test_split_counts_where_both_have_it(cast: Cast) -> None:
    found = judge(ended(cast, 0.5, 0.6, 0.7, test=0.60), ended(cast, 0.5, 0.6, 0.7, test=0.65, s3_seed=5))
    assert "+5.00 pt" in found.title
    assert "test split" in found.detail


def test_different_data_do_not_compare(cast: Cast) -> None:
    first, second = ended(cast, 0.5, 0.6, 0.7), ended(cast, 0.5, 0.6, 0.9)
    second.config["stages"][2]["tasks"][0]["sources"] = [{"dataset": "elsewhere", "share": 100}]
    second.save()
    assert "different data" in judge(first, second).title
    cell = table(first, second).rows[2].cells[1]
    assert (cell.delta, cell.is_best, cell.is_other_task) == (None, False, True)


def test_of_several_runs_the_best_one_is_judged(cast: Cast) -> None:
    runs = [ended(cast, 0.5, 0.6, 0.70), ended(cast, 0.5, 0.6, 0.65, s3_seed=2), ended(cast, 0.5, 0.6, 0.8, s3_seed=3)]
    assert "+10.00 pt" in judge(*runs).title


def test_the_interval_is_the_normal_approximation() -> None:
    low, high = interval(0.5, 0.6, 100)
    assert low == pytest.approx(0.1 - 1.96 * (0.25 / 100 + 0.24 / 100) ** 0.5)
    assert high == pytest.approx(0.1 + 1.96 * (0.25 / 100 + 0.24 / 100) ** 0.5)


def test_a_loss_is_better_when_lower(cast: Cast) -> None:
    runs = [ended(cast, 0, 0, 0), ended(cast, 0, 0, 0)]
    for run, loss in zip(runs, (1.0, 0.5), strict=True):
        Stage.objects.filter(run=run).update(results={"validation/loss": loss})
    cell = table(*runs, metric="loss").rows[0].cells[1]
    assert (cell.delta_text, cell.better, cell.is_best) == ("−0.5", True, True)


def test_two_runs_of_one_colour_are_told_apart() -> None:
    assert colours_of([Run(pk=5, number=1), Run(pk=9, number=9)]) == {5: 1, 9: 2}


def test_only_fields_that_differ_are_listed_with_their_stage(cast: Cast) -> None:
    found = differences([ended(cast, 0.5, 0.6, 0.7).config, ended(cast, 0.5, 0.6, 0.7, s2_seed=77).config])
    assert [(field.stage, field.name, field.values[1]) for field in found.fields] == [(2, "seed", "77")]
    assert found.num_same == found.num_fields - 1
