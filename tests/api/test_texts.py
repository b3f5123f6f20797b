"""Texts that the API is given: what a database would not store is answered with the name of its field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.models import MAX_NAME, Run
from tests.cast import Cast
from tests.runs.finished import finish_stages, tiny

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")


def wrong_fields(answer: Any) -> list[str]:
    """The last part of each path."""
    assert answer.status_code == 422, answer.content
    return [error["loc"][-1] for error in answer.json()["errors"]]


def submit(client: Client, **body: Any) -> Any:
    return post(client, "runs", {"recipe": "sentiment-tiny", **body})


@pytest.mark.parametrize("name", ["x" * (MAX_NAME + 1), "a\0b", "\ud800"], ids=["too long", "null", "half a pair"])
def test_a_name_that_no_database_takes_is_refused_by_its_field(alice: Client, cast: Cast, name: str) -> None:
    parent = finish_stages(cast.submit("parent", tiny()))
    assert wrong_fields(submit(alice, name=name)) == ["name"]
    assert wrong_fields(post(alice, f"runs/{parent.pk}/fork", {"stage": 1, "name": name})) == ["name"]
    assert list(Run.objects.all()) == [parent]


def test_a_name_of_just_the_largest_length_is_kept(alice: Client) -> None:
    assert submit(alice, name="x" * MAX_NAME).json()["name"] == "x" * MAX_NAME


def test_a_name_of_spaces_is_none(alice: Client) -> None:
    assert submit(alice, name="   ").json()["name"].strip()


@pytest.mark.parametrize("field", ["project", "recipe"])
@pytest.mark.parametrize("text", ["a" * 121, "a\0"], ids=["too long", "null"])
def test_other_texts_of_a_submission_are_refused_by_their_field(alice: Client, field: str, text: str) -> None:
    assert wrong_fields(submit(alice, **{field: text})) == [field]


@pytest.mark.parametrize("text", ["a" * 121, "a\0"], ids=["too long", "null"])
def test_texts_of_a_question_are_refused_by_their_field(alice: Client, text: str) -> None:
    assert wrong_fields(alice.get("/api/v1/runs", {"status": text})) == ["status"]


def test_a_metric_may_have_any_name_but_an_endless_one(alice: Client, cast: Cast) -> None:
    """What no database takes is kept, and asked for, under another name."""
    run = cast.submit("run", tiny())
    assert wrong_fields(alice.get(f"/api/v1/runs/{run.pk}/series", {"metric": "a" * 2_001})) == ["metric"]
    assert alice.get(f"/api/v1/runs/{run.pk}/series", {"metric": "a\0"}).status_code == 200


@pytest.mark.parametrize("text", ["a\0", "\udfff"], ids=["null", "half a pair"])
def test_texts_of_a_config_are_refused_by_their_path(alice: Client, text: str) -> None:
    answer = submit(alice, overrides={"stages": {"1": {"description": text}}})
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [["config", "stages", 1, "description"]]
    assert not Run.objects.exists()
