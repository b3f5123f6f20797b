"""Forking and reuse over the API: overrides, refusals by path, who may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.models import Run
from tests.cast import Cast
from tests.runs.finished import finish_stages, tiny

pytestmark = pytest.mark.django_db


@pytest.fixture
def parent(cast: Cast) -> Run:
    return finish_stages(cast.submit("parent", tiny()))


def post(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")


def fork(client: Client, run: Run, **body: Any) -> Any:
    return post(client, f"runs/{run.pk}/fork", body)


def test_a_fork_names_its_parent_and_trains_what_is_new(alice: Client, parent: Run) -> None:
    answer = fork(alice, parent, stage=3, overrides={"stages": {"2": {"seed": 5, "schedule": {"peak_rate": 1e-3}}}}, name="child")
    assert answer.status_code == 201
    run = answer.json()
    assert (run["name"], run["forked_from"], run["forked_stage"]) == ("child", parent.pk, 3)
    assert [(stage["status"], stage["reused_from"]) for stage in run["stages"]] == [
        ("reused", parent.pk),
        ("reused", parent.pk),
        ("queued", None),
    ]
    settled = alice.get(f"/api/v1/runs/{run['id']}").json()["config"]
    assert (settled["stages"][2]["seed"], settled["stages"][2]["schedule"]["peak_rate"]) == (5, 1e-3)
    assert settled["stages"][:2] == parent.config["stages"][:2]


def test_a_list_replaces_a_list(alice: Client, parent: Run) -> None:
    stages = [*parent.config["stages"][:2], {**parent.config["stages"][2], "name": "other"}, {**parent.config["stages"][2], "name": "more"}]
    assert len(fork(alice, parent, stage=3, overrides={"stages": stages}).json()["stages"]) == 4


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ({"stages": {"0": {"seed": 5}}}, ["overrides", "stages", 0, "seed"]),
        ({"model": {"fusion": "gated"}}, ["overrides", "model", "fusion"]),
        ({"num_threads": 7}, ["overrides", "num_threads"]),
    ],
)
def test_a_change_of_what_is_taken_over_is_answered_with_its_path(
    alice: Client, parent: Run, overrides: dict[str, Any], path: list[Any]
) -> None:
    answer = fork(alice, parent, stage=2, overrides=overrides)
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [path]
    assert Run.objects.count() == 1


def test_wrong_fields_and_stages_are_named(alice: Client, parent: Run) -> None:
    assert fork(alice, parent, stage=9).json()["errors"][0]["loc"] == ["stage"]
    assert fork(alice, parent, stage=3, overrides={"stages": {"2": {"seeed": 1}}}).json()["errors"][0]["loc"] == [
        "config",
        "stages",
        2,
        "seeed",
    ]
    assert fork(alice, parent, stage=3, overrides={"stages": {"7": {}}}).json()["errors"][0]["loc"] == ["overrides", "stages", "7"]
    assert fork(alice, parent, stage=0).status_code == 422


def test_a_stage_that_has_nothing_to_start_from_is_answered_with_409(alice: Client, cast: Cast) -> None:
    answer = fork(alice, cast.submit("young", tiny()), stage=2)
    assert answer.status_code == 409
    assert "has not finished" in answer.json()["detail"]


def test_a_viewer_may_not_fork_and_a_stranger_finds_nothing(client: Client, cast: Cast, parent: Run) -> None:
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        assert fork(client, parent, stage=2).status_code == status


def test_a_submitted_run_reuses_unless_it_is_told_not_to(alice: Client, parent: Run) -> None:
    body = {"config": tiny().model_dump(mode="json")}
    assert [stage["status"] for stage in post(alice, "runs", body).json()["stages"]] == ["reused"] * 3
    answer = post(alice, "runs", {**body, "reuse": False}).json()
    assert [stage["status"] for stage in answer["stages"]] == ["queued", "waiting", "waiting"]


def test_a_recipe_takes_overrides_by_the_same_rule(alice: Client, parent: Run) -> None:
    body = {"recipe": "sentiment-tiny", "overrides": {"quantization": None, "stages": {"2": {"seed": 5}}}}
    answer = post(alice, "runs", body).json()
    assert [stage["status"] for stage in answer["stages"]] == ["reused", "reused", "queued"]


def test_the_document_says_how_overrides_are_merged(alice: Client) -> None:
    schemas = alice.get("/api/v1/openapi.json").json()["components"]["schemas"]
    for name in ("SubmitIn", "ForkIn"):
        assert "by index, counted from 0" in schemas[name]["properties"]["overrides"]["description"]
