"""A stage is out of date when it would be trained to something else today, and with it all after it."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.runs import outdated
from dashboard.runs.models import Run, Stage
from dashboard.runs.outdated import out_of_date
from dashboard.runs.results import stage_cards
from tests.cast import Cast
from tests.runs.finished import finish_stages, tiny, with_last_stage
from trainer import catalog
from trainer.catalog import Card

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(cast: Cast) -> Run:
    return finish_stages(cast.submit("first", tiny()))


def with_new_data(name: str) -> dict[str, Card]:
    cards = catalog.load()
    return {**cards, name: cards[name].model_copy(update={"fingerprint": "another"})}


def dataset_of(run: Run, index: int) -> str:
    found: str = run.config["stages"][index - 1]["tasks"][0]["sources"][0]["dataset"]
    return found


def test_a_stage_is_up_to_date_while_nothing_changes(run: Run) -> None:
    assert out_of_date(list(run.stages), catalog.load()) == {}


def test_data_that_was_imported_again_marks_the_stage_and_all_after_it(run: Run) -> None:
    Stage.objects.filter(run=run, index=1).update(inputs={"version": 1, "parent": "", "data": {}})
    name = dataset_of(run, 2)
    expected = {2: f"data set {name} has changed", 3: "stage 2 is out of date"}
    assert out_of_date(list(run.stages), with_new_data(name)) == expected


def test_data_that_is_gone_is_named(run: Run) -> None:
    name = dataset_of(run, 1)
    cards = {key: card for key, card in catalog.load().items() if key != name}
    assert out_of_date(list(run.stages), cards)[1] == f"data set {name} is no longer there"


def test_a_stage_before_that_has_another_key_now_marks_it(run: Run) -> None:
    Stage.objects.filter(run=run, index=1).update(key="0" * 64)
    assert out_of_date(list(run.stages), catalog.load()) == {2: "stage 1 was trained on other data since", 3: "stage 2 is out of date"}


def test_stages_whose_keys_are_of_an_older_form_stay_up_to_date(run: Run) -> None:
    """Nobody makes the keys of finished stages again: each names the one it was trained on."""
    for stage in run.stages:
        inputs = stage.inputs if stage.index == 1 else {**stage.inputs, "parent": f"old {stage.index - 1}"}
        Stage.objects.filter(pk=stage.pk).update(key=f"old {stage.index}", inputs=inputs)
    assert out_of_date(list(run.stages), catalog.load()) == {}


def test_a_newer_trainer_marks_what_an_older_one_trained(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outdated, "VERSION", 2)
    assert out_of_date(list(run.stages), catalog.load())[1] == "the trainer has changed"


def test_a_stage_that_has_not_begun_is_not_out_of_date(cast: Cast) -> None:
    waiting = cast.submit("waiting", tiny())
    assert out_of_date(list(waiting.stages), with_new_data(dataset_of(waiting, 1))) == {}


def test_a_reused_stage_goes_out_of_date_with_the_one_it_came_from(cast: Cast, run: Run) -> None:
    second = cast.submit("second", with_last_stage(tiny(), seed=5))
    assert out_of_date(list(second.stages), catalog.load()) == {}
    assert 1 in out_of_date(list(second.stages), with_new_data(dataset_of(run, 1)))


def test_runs_from_before_keys_were_kept_say_nothing(run: Run) -> None:
    Stage.objects.filter(run=run).update(key="", inputs={})
    assert out_of_date(list(run.stages), with_new_data(dataset_of(run, 1))) == {}


def test_the_page_says_what_has_changed(alice: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = dataset_of(run, 1)
    newer = with_new_data(name)
    monkeypatch.setattr("dashboard.runs.results.catalog.load", lambda _: newer)
    assert stage_cards(run)[0].out_of_date == f"data set {name} has changed"
    for tab in ("", "stages/"):
        assert f"out of date: data set {name} has changed" in alice.get(f"/runs/{run.pk}/{tab}").content.decode()
