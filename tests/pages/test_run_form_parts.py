"""The run form's optional and advanced parts: curriculum, switches, the stable-then-decay shape; data problems beside other faults."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from dashboard.runs.form.fields import lookup
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.pages.test_run_form import Inputs, as_json, refused, typed
from tests.runs.finished import finish_stages, tiny

pytestmark = pytest.mark.django_db


def test_without_its_switch_a_stage_has_no_curriculum(alice: Client) -> None:
    form = typed(alice, stages__2__curriculum__length="1")
    assert alice.post("/runs/new/", form).status_code == 303
    assert lookup(Run.objects.get().config, "stages.2.curriculum") is None


def test_a_curriculum_is_what_was_typed(alice: Client) -> None:
    form = typed(alice, stages__2__curriculum__enabled="on", stages__2__curriculum__length="2", stages__2__curriculum__flattening="0.1")
    assert alice.post("/runs/new/", form).status_code == 303
    expected = {"length": 2.0, "rarity": 0.0, "loss": 0.0, "entropy": 0.0, "flattening": 0.1}
    run = Run.objects.get()
    assert lookup(run.config, "stages.2.curriculum") == expected
    again = Inputs(alice.get("/runs/new/", {"from": run.pk}).content.decode()).sent
    assert again["stages.2.curriculum.length"] == "2"
    assert "stages.0.curriculum.length" not in again


def test_a_curriculum_that_measures_nothing_is_refused(alice: Client) -> None:
    inputs, _page = refused(alice, typed(alice, stages__2__curriculum__enabled="on", stages__2__curriculum__length="0"))
    assert "stages.2.curriculum.length" in inputs.wrong


def test_switches_are_read_as_they_stand(alice: Client) -> None:
    assert alice.post("/runs/new/", typed(alice, stages__1__compile="on", tensorboard="on")).status_code == 303
    run = Run.objects.get()
    assert [stage["compile"] for stage in run.config["stages"]] == [False, True, False]
    assert run.config["tensorboard"] is True
    again = Inputs(alice.get("/runs/new/", {"from": run.pk}).content.decode()).sent
    assert again["stages.1.compile"] == "on"
    assert "stages.0.compile" not in again


def test_stages_that_were_trained_already_are_reused_unless_the_switch_is_off(alice: Client) -> None:
    form = typed(alice)
    assert form["reuse"] == "on"
    assert alice.post("/runs/new/", form).status_code == 303
    finish_stages(Run.objects.get())
    assert alice.post("/runs/new/", form).status_code == 303
    del form["reuse"]
    assert alice.post("/runs/new/", form).status_code == 303
    statuses = [[stage.status for stage in run.stages] for run in Run.objects.order_by("id")]
    assert statuses == [["completed"] * 3, ["reused"] * 3, ["queued", "waiting", "waiting"]]


def test_a_refused_form_keeps_the_reuse_switch(alice: Client) -> None:
    form = typed(alice, stages__0__batch_size="0")
    assert refused(alice, form)[0].sent["reuse"] == "on"
    del form["reuse"]
    assert "reuse" not in refused(alice, form)[0].sent


def test_the_switch_says_what_the_api_says_and_is_no_part_of_the_config(alice: Client) -> None:
    page = html.unescape(alice.get("/runs/new/").content.decode())
    described = alice.get("/api/v1/openapi.json").json()["components"]["schemas"]["SubmitIn"]["properties"]["reuse"]["description"]
    assert f'data-help="{described}"' in page
    assert "reuse" not in as_json(alice)


def test_a_fork_has_no_reuse_switch(alice: Client, cast: Cast) -> None:
    parent = finish_stages(cast.submit("parent", tiny()))
    page = alice.get("/runs/new/", {"from": parent.pk, "stage": 2}).content.decode()
    assert "stages.1.seed" in Inputs(page).names
    assert "reuse" not in Inputs(page).names


def test_the_advanced_settings_are_what_was_typed(alice: Client) -> None:
    changes = {"accumulation": "4", "report_interval": "5", "not_a_number": "go_back", "precision": "tf32"}
    form = typed(alice, **{f"stages__0__{name}": value for name, value in changes.items()})
    assert alice.post("/runs/new/", form).status_code == 303
    stage = Run.objects.get().config["stages"][0]
    assert {name: str(stage[name]) for name in changes} == changes


def test_more_parts_than_samples_are_refused_at_the_field(alice: Client) -> None:
    inputs, _page = refused(alice, typed(alice, stages__0__accumulation="4000"))
    assert "stages.0.accumulation" in inputs.wrong


def test_the_plan_draws_a_rate_that_is_stable_and_then_decays(alice: Client) -> None:
    shape = {"shape": "warmup_stable_decay", "peak_rate": "1e-3", "final_rate": "0", "warmup_steps": "10", "decay_steps": "50"}
    changes = {f"stages__0__schedule__{name}": value for name, value in shape.items()}
    page = alice.post("/runs/new/plan/", typed(alice, **changes)).content.decode()
    assert "1e-3, warm-up 10, decay over the last 50 to 0" in page
    assert lookup(as_json(alice, **changes), "stages.0.schedule.decay_steps") == 50


def test_data_that_does_not_fit_is_named_together_with_other_faults(alice: Client) -> None:
    inputs, page = refused(
        alice,
        typed(
            alice,
            stages__0__schedule__peak_rate="-1",
            stages__0__name="",
            stages__1__tasks__0__sources__0__dataset="imagenet",
            stages__2__tasks__0__sources__0__dataset="emoji-groups",
            stages__2__tasks__0__weight="-3",
        ),
    )
    expected = {
        "stages.0.schedule.peak_rate",
        "stages.0.name",
        "stages.1.tasks.0.sources.0.dataset",
        "stages.2.tasks.0.sources.0.dataset",
        "stages.2.tasks.0.weight",
    }
    assert inputs.wrong == expected
    assert "emoji-groups has no text" in page.replace("Emoji-groups", "emoji-groups")
