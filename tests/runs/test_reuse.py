"""Stages that have a finished twin are taken over: what they trained, where their points are, and when they are not."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from django.test import Client

from dashboard.accounts.models import Membership, Project, Role
from dashboard.live.state import stage_states
from dashboard.runs import keys, lifecycle
from dashboard.runs.models import Attempt, Event, Job, Run, Stage, Status
from dashboard.runs.results import stage_cards
from tests.cast import Cast
from tests.runs.finished import finish_stages, folder, tiny, with_last_stage
from trainer import config

pytestmark = pytest.mark.django_db


def statuses(run: Run) -> list[str]:
    return list(Job.objects.filter(run=run).values_list("status", flat=True))


@pytest.fixture
def first(cast: Cast) -> Run:
    return finish_stages(cast.submit("first", tiny()))


def test_a_run_that_differs_in_its_last_stage_costs_only_its_last_stage(cast: Cast, first: Run) -> None:
    second = cast.submit("second", with_last_stage(tiny(), seed=5))
    assert statuses(second) == ["reused", "reused", "queued"]
    for stage, source in zip(second.stages[:2], first.stages[:2], strict=True):
        assert stage.reused_from == source
        assert (stage.checkpoint, stage.results, stage.key) == (source.checkpoint, source.results, source.key)
        assert (stage.num_parameters, stage.last_step) == (7, source.num_steps)
    assert finish_stages(second, 1).status == Status.COMPLETED


def test_nothing_is_trained_or_copied_for_a_reused_stage(cast: Cast, first: Run) -> None:
    second = cast.submit("second", with_last_stage(tiny(), seed=5))
    assert not Attempt.objects.filter(job__run=second).exists()
    card = stage_cards(second)[0]
    assert (card.attempts, card.duration_s) == ([], None)
    assert {row.metric: row.value for row in card.rows}["train/loss"] == 2.0
    assert stage_states(second.pk)[0]["reused_from"] == {"run": first.pk, "number": first.number}
    assert [attempt["number"] for attempt in stage_states(second.pk)[0]["attempts"]] == [1]


def test_a_run_whose_stages_are_all_there_already_is_complete_at_once(cast: Cast, first: Run) -> None:
    second = cast.submit("second", tiny())
    assert statuses(second) == ["reused"] * 3
    assert second.status == Status.COMPLETED
    assert second.ended_at is not None
    assert second.started_at is not None
    event = Event.objects.get(run=second, kind="reused")
    assert event.data == {"num_stages": 3, "numbers": [first.number]}


def test_a_run_whose_stages_are_all_there_is_still_quantized(cast: Cast, first: Run) -> None:
    second = cast.submit("second", tiny(quantization=config.Quantization()))
    assert statuses(second) == ["reused", "reused", "reused", "queued"]
    assert second.status == Status.QUEUED


def test_reuse_can_be_switched_off(cast: Cast, first: Run) -> None:
    second = lifecycle.submit(cast.project, cast.alice, "second", tiny(), reuse=False)
    assert statuses(second) == ["queued", "waiting", "waiting"]


def test_a_stage_that_is_not_finished_is_nobodys_twin(cast: Cast) -> None:
    finish_stages(cast.submit("first", tiny()), 1)
    assert statuses(cast.submit("second", tiny())) == ["reused", "queued", "waiting"]


def test_a_checkpoint_that_is_gone_is_not_started_from(cast: Cast, first: Run) -> None:
    shutil.rmtree(folder(first.stages[2]))
    shutil.rmtree(folder(first.stages[1]))
    assert statuses(cast.submit("second", tiny())) == ["reused", "queued", "waiting"]


def test_the_stages_of_another_project_are_not_taken_over(cast: Cast, first: Run) -> None:
    other = Project.objects.create(name="Other", slug="other")
    Membership.objects.create(project=other, user=cast.charlie, role=Role.OWNER)
    run = lifecycle.submit(other, cast.charlie, "own", tiny())
    assert statuses(run) == ["queued", "waiting", "waiting"]


def test_a_last_stage_needs_a_twin_that_was_tested(cast: Cast, first: Run) -> None:
    """The second stage of the first run was not its last one, so nobody has asked it about the test split."""
    shorter = tiny(stages=tiny().stages[:2])
    assert statuses(cast.submit("shorter", shorter)) == ["reused", "queued"]


def test_a_longer_run_starts_behind_the_last_stage_of_a_shorter_one(cast: Cast, first: Run) -> None:
    more = tiny(stages=(*tiny().stages, tiny().stages[2].model_copy(update={"name": "more", "seed": 9})))
    assert statuses(cast.submit("longer", more)) == ["reused", "reused", "reused", "queued"]


def test_a_reused_stage_points_to_the_run_that_trained_it_however_often_it_is_reused(cast: Cast, first: Run) -> None:
    finish_stages(cast.submit("second", with_last_stage(tiny(), seed=5)), 1)
    third = cast.submit("third", with_last_stage(tiny(), seed=5))
    assert statuses(third) == ["reused"] * 3
    assert [stage.reused_from.run.name for stage in third.stages if stage.reused_from] == ["first", "first", "second"]


def test_stages_of_one_run_come_from_one_chain(cast: Cast, first: Run) -> None:
    """A newer run has trained stage 1 again; what stage 2 started from is the older one's."""
    finish_stages(lifecycle.submit(cast.project, cast.alice, "newer", tiny(), reuse=False), 1)
    Run.objects.filter(name="newer").update(status=Status.STOPPED)
    Job.objects.filter(run__name="newer", status=Status.QUEUED).update(status=Status.STOPPED)
    second = cast.submit("second", with_last_stage(tiny(), seed=5))
    assert [stage.reused_from.run.name for stage in second.stages if stage.reused_from] == ["first", "first"]


def test_another_version_of_the_trainer_trains_anew(cast: Cast, first: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "VERSION", 2)
    assert statuses(cast.submit("second", tiny())) == ["queued", "waiting", "waiting"]


def test_the_number_of_queries_of_a_submit_does_not_grow_with_the_runs(cast: Cast, first: Run, django_assert_max_num_queries: Any) -> None:
    for number in range(4):
        finish_stages(lifecycle.submit(cast.project, cast.alice, f"run-{number}", tiny(), reuse=False))
    with django_assert_max_num_queries(45):
        cast.submit("second", with_last_stage(tiny(), seed=5))


def test_a_project_with_reused_stages_can_be_deleted(cast: Cast, first: Run) -> None:
    cast.submit("second", tiny())
    cast.project.delete()
    assert not Stage.objects.exists()


def test_a_run_whose_stages_others_start_from_is_not_deleted_alone(cast: Cast, first: Run) -> None:
    cast.submit("second", tiny())
    with pytest.raises(Exception, match="restricted"):
        first.delete()


def test_the_page_says_where_a_stage_comes_from(alice: Client, cast: Cast, first: Run) -> None:
    second = cast.submit("second", with_last_stage(tiny(), seed=5))
    for tab in ("", "stages/"):
        text = alice.get(f"/runs/{second.pk}/{tab}").content.decode()
        assert "reused from run #1" in text
        assert f'href="/runs/{first.pk}/"' in text
    assert "No stage had to be trained" not in text
    assert "Stages 1 to 2 reused from run #1" in alice.get(f"/runs/{second.pk}/events/").content.decode()


def test_the_page_says_that_nothing_had_to_be_trained(alice: Client, cast: Cast, first: Run) -> None:
    text = alice.get(f"/runs/{cast.submit('second', tiny()).pk}/").content.decode()
    assert "No stage had to be trained" in text
