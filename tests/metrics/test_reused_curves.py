"""The curves of a stage that was reused are those of the stage that trained it, on every picture."""

from __future__ import annotations

import pytest

from dashboard.metrics.reading import metric_names, series
from dashboard.metrics.sparklines import sparklines
from dashboard.runs.models import Run
from dashboard.runs.rows import strips
from tests.cast import Cast
from tests.runs.finished import finish_stages, tiny, with_last_stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(cast: Cast) -> Run:
    """Two stages are reused, the third has not begun."""
    finish_stages(cast.submit("first", tiny()), loss=3.0)
    return cast.submit("second", with_last_stage(tiny(), seed=5))


def test_the_curve_of_the_run_begins_with_what_was_reused(second: Run) -> None:
    finish_stages(second, 1, loss=1.0)
    offsets = [0, second.stages[0].num_steps, second.stages[0].num_steps + second.stages[1].num_steps]
    found = series(second, "train/loss")
    assert found.step.tolist() == [offset + 1 for offset in offsets]
    assert found.value.tolist() == [3.0, 3.0, 1.0]


def test_the_points_of_one_reused_stage_and_of_its_attempt_can_be_asked_for(second: Run) -> None:
    assert series(second, "train/loss", stage=2).value.tolist() == [3.0]
    assert series(second, "train/loss", stage=2, attempt=1).value.tolist() == [3.0]
    assert series(second, "train/loss", stage=3).value.tolist() == []


def test_the_metrics_of_reused_stages_are_listed(second: Run) -> None:
    assert metric_names(second) == ["train/loss"]


def test_the_small_curve_of_a_list_shows_them_too(second: Run) -> None:
    first = Run.objects.get(name="first")
    found = sparklines(strips([first, second]))
    assert [line.stage for line in found[first.pk].lines] == [1, 2, 3]
    assert [line.stage for line in found[second.pk].lines] == [1, 2]
