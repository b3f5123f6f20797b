"""The first page, and the frame that every page has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fleet.models import Worker
from dashboard.runs import lifecycle
from dashboard.runs.models import Stage
from tests.cast import Cast
from tests.pages.working import claim, complete, train

pytestmark = pytest.mark.django_db
ENDS = ({"validation/loss": 1.0}, {"validation/loss": 0.8}, {"test/accuracy": 0.7})
ALARM = "No worker is listening"


def text_of(client: Client, path: str = "/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def listening() -> Worker:
    now = timezone.now()
    return Worker.objects.create(name="gpu-1", host="lab", pid=1, started_at=now, last_seen=now + timedelta(hours=1))


def test_a_new_team_is_led_to_a_recipe(alice: Client) -> None:
    text = text_of(alice)
    assert "Nothing has run here yet" in text
    assert "Choose a recipe" in text


def test_the_plan_of_the_first_run_is_drawn_before_it_has_started(alice: Client, cast: Cast) -> None:
    cast.submit("example-run-1")
    text = text_of(alice)
    assert text.count('class="planned"') == 3
    assert "Loss appears with the first step" in text
    assert "1 of 4 done" in text


def test_the_first_look_shows_the_loss_as_soon_as_there_is_some(alice: Client, cast: Cast) -> None:
    cast.submit("example-run-1")
    train(claim(), {1: 2.0, 2: 1.5, 3: 1.0})
    text = text_of(alice)
    assert text.count('class="measured"') == 1
    assert "Loss appears" not in text


def test_the_steps_go_on_after_the_first_run_and_end_with_two_to_compare(alice: Client, cast: Cast) -> None:
    complete(cast.submit(), *ENDS)
    lifecycle.finish(claim())
    assert "2 of 4 done" in text_of(alice)
    complete(cast.submit("calm-juniper"), *ENDS)
    assert "3 of 4 done" in text_of(alice)
    lifecycle.finish(claim())
    assert "Four steps" not in text_of(alice)


def test_a_failed_run_asks_for_somebody_with_the_reason_and_the_verb(alice: Client, cast: Cast) -> None:
    run = cast.submit()
    lifecycle.fail(claim(), "loss is not a number at step 9", retryable=False)
    text = text_of(alice)
    assert "Needs you" in text
    assert "loss is not a number at step 9" in text
    assert f'action="/runs/{run.pk}/retry/"' in text


def test_a_quantization_that_failed_is_not_laid_to_a_stage(alice: Client, cast: Cast) -> None:
    run = cast.submit("bold-finch")
    complete(run, *ENDS)
    lifecycle.fail(claim(), "boom", retryable=False)
    text = text_of(alice)
    assert "all stages are done, the quantization failed" in text
    assert "failed in" not in text


def test_a_viewer_sees_what_failed_but_no_verb(client: Client, cast: Cast) -> None:
    run = cast.submit()
    lifecycle.fail(claim(), "boom", retryable=False)
    client.force_login(cast.bob, backend="django.contrib.auth.backends.ModelBackend")
    text = text_of(client)
    assert "boom" in text
    assert f"/runs/{run.pk}/retry/" not in text
    assert "New from this" not in text


def test_somebody_without_a_project_is_told_whom_to_ask(client: Client, cast: Cast) -> None:
    cast.submit("secret-run")
    client.force_login(cast.charlie, backend="django.contrib.auth.backends.ModelBackend")
    text = text_of(client)
    assert "You are in no project yet" in text
    assert "secret-run" not in text


def test_the_alarm_stands_above_every_page_while_something_waits_and_nobody_works(alice: Client, cast: Cast) -> None:
    assert ALARM not in text_of(alice)
    cast.submit()
    for path in ("/", "/runs/", "/recipes/", "/datasets/", "/settings/"):
        assert ALARM in text_of(alice, path)
    listening()
    assert ALARM not in text_of(alice)


def test_what_runs_now_is_on_every_page(alice: Client, cast: Cast) -> None:
    run = cast.submit("steady-kestrel")
    train(claim(), {1: 2.0})
    Stage.objects.filter(run=run, index=1).update(last_step=20)
    text = text_of(alice, "/datasets/")
    assert "Running now" in text
    assert "steady-kestrel" in text
    assert "16 %" in text


def test_pages_carry_no_inline_script_or_style(alice: Client, cast: Cast) -> None:
    complete(cast.submit(), *ENDS)
    for path in ("/", "/runs/", "/queue/", "/workers/", "/recipes/", "/datasets/", "/settings/", "/nothing/"):
        text = alice.get(path).content.decode()
        assert " style=" not in text, path
        assert "<style" not in text, path
        assert "unsafe" not in alice.get(path).headers["Content-Security-Policy"]


def test_unknown_pages_answer_404_in_the_frame_and_outside_of_it(alice: Client) -> None:
    answer = alice.get("/nothing/")
    assert answer.status_code == 404
    assert "Nothing here" in answer.content.decode()
    stranger = Client().get("/nothing/")
    assert stranger.status_code == 404
    assert "Running now" not in stranger.content.decode()
