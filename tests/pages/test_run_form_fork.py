"""Forking by the run form: what was trained already is shown, locked and not sent; the rest starts a run of its own."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.test import Client

from dashboard.accounts.models import Membership, Project, Role
from dashboard.runs.models import Run, Stage, Status
from tests.cast import Cast
from tests.pages.test_run_form import BACKEND, Inputs, refused_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def parent(cast: Cast) -> Run:
    """A run that has finished its stages, each with a checkpoint."""
    run = cast.submit()
    for stage in run.stages:
        place = f"{run.pk}/job-{stage.position}/attempt-1/checkpoints/step-1"
        (settings.RUNS_DIR / place).mkdir(parents=True)
        Stage.objects.filter(pk=stage.pk).update(status=Status.COMPLETED, checkpoint=place, last_step=stage.num_steps)
    Run.objects.filter(pk=run.pk).update(status=Status.COMPLETED)
    run.refresh_from_db()
    return run


def fork_form(client: Client, parent: Run, stage: int) -> dict[str, str]:
    answer = client.get("/runs/new/", {"from": parent.pk, "stage": stage})
    assert answer.status_code == 200
    return Inputs(answer.content.decode()).sent


def test_what_is_taken_over_is_not_sent(alice: Client, parent: Run) -> None:
    sent = fork_form(alice, parent, 3)
    assert {name.split(".")[1] for name in sent if name.startswith("stages.")} == {"2"}
    assert not [name for name in sent if name.startswith("model") or name == "num_threads"]
    assert (sent["from"], sent["stage"]) == (str(parent.pk), "3")


def test_a_fork_trains_only_what_it_changes(alice: Client, parent: Run) -> None:
    form = fork_form(alice, parent, 3) | {"stages.2.batch_size": "7", "name": "other-juniper"}
    assert alice.post("/runs/new/", form).status_code == 303
    run = Run.objects.exclude(pk=parent.pk).get()
    assert (run.name, run.forked_from, run.forked_stage) == ("other-juniper", parent, 3)
    assert [stage.status for stage in run.stages] == [Status.REUSED, Status.REUSED, Status.QUEUED]
    assert run.config["stages"][:2] == parent.config["stages"][:2]
    assert run.config["stages"][2] == parent.config["stages"][2] | {"batch_size": 7}


def test_a_fork_at_the_first_stage_may_change_everything(alice: Client, parent: Run) -> None:
    sent = fork_form(alice, parent, 1)
    assert sent["stages.0.batch_size"] == str(parent.config["stages"][0]["batch_size"])
    assert alice.post("/runs/new/", sent | {"stages.0.batch_size": "7"}).status_code == 303
    assert Run.objects.exclude(pk=parent.pk).get().forked_from == parent


def test_a_wrong_field_of_a_fork_is_named_at_its_own_stage(alice: Client, parent: Run) -> None:
    form = fork_form(alice, parent, 3) | {"stages.2.batch_size": "0"}
    inputs, _page = refused_of(alice, form, 1)
    assert inputs.wrong == {"stages.2.batch_size"}


def test_the_plan_of_a_fork_has_all_its_stages(alice: Client, parent: Run) -> None:
    page = alice.post("/runs/new/plan/", fork_form(alice, parent, 2)).content.decode()
    assert page.count("<polyline points") == 3
    assert "The run can start." in page


def test_json_that_changes_what_is_taken_over_is_refused(alice: Client, parent: Run) -> None:
    config = parent.config | {"num_threads": 7}
    form = {name: value for name, value in fork_form(alice, parent, 2).items() if not name.startswith("stages")}
    _inputs, page = refused_of(alice, form | {"document": json.dumps(config)}, 1)
    assert "taken over as they were trained" in page


def test_a_stage_that_has_not_finished_cannot_be_forked_behind(alice: Client, cast: Cast) -> None:
    run = cast.submit()
    page = alice.get("/runs/new/", {"from": run.pk, "stage": 2}).content.decode()
    assert "has not finished" in page
    refused_of(alice, Inputs(page).sent, 1)


@pytest.mark.parametrize("stage", ["0", "9", "x", "-1"])
def test_a_stage_that_there_is_not_cannot_be_forked(alice: Client, parent: Run, stage: str) -> None:
    assert alice.get("/runs/new/", {"from": str(parent.pk), "stage": stage}).status_code == 404


@pytest.mark.parametrize(("person", "status"), [("bob", 403), ("charlie", 403)])
def test_who_may_not_edit_cannot_fork(client: Client, cast: Cast, parent: Run, person: str, status: int) -> None:
    client.force_login(getattr(cast, person), backend=BACKEND)
    assert client.get("/runs/new/", {"from": parent.pk, "stage": 2}).status_code == status


def test_a_run_of_strangers_cannot_be_forked(client: Client, cast: Cast, parent: Run) -> None:
    other = Project.objects.create(name="Other", slug="other")
    Membership.objects.create(project=other, user=cast.charlie, role=Role.EDITOR)
    client.force_login(cast.charlie, backend=BACKEND)
    assert client.get("/runs/new/", {"from": parent.pk, "stage": 2}).status_code == 404
    assert client.post("/runs/new/", {"from": str(parent.pk), "stage": "2"}).status_code == 404
