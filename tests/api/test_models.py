"""Models over the API: made, listed, registered, read; with a sentence for what cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dashboard.accounts.models import Membership, Project, Role
from dashboard.registry.models import RegisteredModel, Version
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.registry.made import change_a_byte, finished, registered
from tests.runs.finished import folder

pytestmark = pytest.mark.django_db
MODELS = "/api/v1/models"


@pytest.fixture
def run(cast: Cast) -> Run:
    return finished(cast, int8="passed")


def post(client: Client, address: str, **body: Any):
    return client.post(address, json.dumps(body), content_type="application/json")


def test_a_name_is_made_once(alice: Client, cast: Cast) -> None:
    answers = [post(alice, MODELS, name="sentiment") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() | {"created_at": ""} == answers[1].json() | {"created_at": ""}
    assert answers[0].json()["newest"] is None


@pytest.mark.parametrize("name", ["", "A", "a b", "../etc", ".hidden", "a.", "ä", "a" * 65, "a\n"])
def test_names_that_could_lead_elsewhere_are_refused(alice: Client, cast: Cast, name: str) -> None:
    assert post(alice, MODELS, name=name).status_code == 422
    assert not RegisteredModel.objects.exists()


def test_a_version_is_registered_and_read_with_its_lineage(alice: Client, run: Run) -> None:
    post(alice, MODELS, name="sentiment")
    answer = post(alice, f"{MODELS}/sentiment/versions", run=run.pk, stage=3, precision="int8", reason="for the phone")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["number"], made["run"], made["stage"], made["precision"], made["gate_passed"]) == (1, run.pk, 3, "int8", True)
    whole = alice.get(f"{MODELS}/sentiment/versions/1").json()
    assert whole["digest"] == made["digest"]
    assert whole["lineage"]["run"]["name"] == "steady-kestrel"
    assert whole["files"]["model/int8.onnx"]["sha256"]
    told = alice.get(f"{MODELS}/sentiment").json()
    assert [version["number"] for version in told["versions"]] == [1]
    assert told["changes"][0] | {"at": ""} == {
        "kind": "registered", "alias": "", "from_version": None, "to_version": 1, "by": "alice", "at": "", "reason": "for the phone",
        "verdict": "", "is_override": False,
    }  # fmt: skip


def test_lists_are_paged(alice: Client, cast: Cast, run: Run) -> None:
    for name in ("c", "a", "b"):
        registered(cast, run, name)
    answer = alice.get(f"{MODELS}?limit=2&offset=1").json()
    assert (answer["count"], [item["name"] for item in answer["items"]]) == (3, ["b", "c"])


def test_what_has_not_finished_or_is_not_there_is_said(alice: Client, cast: Cast, run: Run) -> None:
    post(alice, MODELS, name="sentiment")
    address = f"{MODELS}/sentiment/versions"
    for body, said in (
        ({"run": run.pk, "stage": 4}, "Stage 4 of steady-kestrel has not finished"),
        ({"run": run.pk, "stage": 1, "precision": "int8"}, "has no INT8; there are FP32"),
    ):
        answer = post(alice, address, **body)
        assert answer.status_code == 422
        assert said in answer.json()["detail"]
    assert post(alice, address, run=999_999, stage=1).status_code == 404
    assert post(alice, f"{MODELS}/nobody/versions", run=run.pk, stage=1).status_code == 404
    assert not Version.objects.exists()


def test_a_damaged_checkpoint_is_a_conflict_that_names_the_file(alice: Client, run: Run) -> None:
    post(alice, MODELS, name="sentiment")
    change_a_byte(folder(run.stages[0]) / "model.safetensors")
    answer = post(alice, f"{MODELS}/sentiment/versions", run=run.pk, stage=1)
    assert answer.status_code == 409
    assert "model.safetensors is not what was saved" in answer.json()["detail"]


def test_a_run_of_another_project_is_not_registered_here(alice: Client, cast: Cast, run: Run) -> None:
    other = Project.objects.create(name="Second", slug="second")
    Membership.objects.create(project=other, user=cast.alice, role=Role.OWNER)
    post(alice, MODELS, name="elsewhere", project="second")
    answer = post(alice, f"{MODELS}/elsewhere/versions", run=run.pk, stage=1)
    assert answer.status_code == 422
    assert "another project" in answer.json()["detail"]


def test_a_version_is_deleted_once_nothing_points_at_it(alice: Client, cast: Cast, run: Run) -> None:
    version = registered(cast, run)
    address = f"{MODELS}/sentiment/aliases/candidate"
    assert alice.put(address, json.dumps({"version": 1}), content_type="application/json").json() == {"alias": "candidate", "version": 1}
    assert alice.delete(f"{MODELS}/sentiment/versions/1").status_code == 409
    assert alice.delete(address).status_code == 204
    assert alice.delete(f"{MODELS}/sentiment/versions/1").status_code == 204
    assert alice.get(f"{MODELS}/sentiment/versions/1").status_code == 404
    assert not version.folder.exists()
