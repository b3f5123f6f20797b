"""Aliases: who sets which, what the gate holds back, and what the audit trail tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dashboard.registry import aliases
from dashboard.registry.gate import verdict_of
from dashboard.registry.models import Alias, Change, Version
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Evaluation
from tests.cast import Cast
from tests.pages.test_playground import BACKEND
from tests.registry.made import finished, registered

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(cast: Cast) -> Version:
    return registered(cast, finished(cast, int8="passed", int8_ptq="failed", int8_old=""))


def put(client: Client, alias: str, version: int, **more: Any):
    body = json.dumps({"version": version, **more})
    return client.put(f"/api/v1/models/sentiment/aliases/{alias}", body, content_type="application/json")


def signed_in(cast: Cast, name: str) -> Client:
    client = Client()
    client.force_login(getattr(cast, name), backend=BACKEND)
    return client


@pytest.mark.parametrize(
    ("name", "candidate", "own", "production"),
    [("charlie", 404, 404, 404), ("bob", 403, 403, 403), ("erin", 200, 200, 403), ("alice", 200, 200, 200)],
)
def test_editors_set_candidates_and_owners_production(
    cast: Cast, version: Version, name: str, candidate: int, own: int, production: int
) -> None:
    client = signed_in(cast, name)
    answers = [put(client, alias, 1).status_code for alias in ("candidate", "shadow", "production")]
    assert answers == [candidate, own, production]


def test_only_owners_take_production_away(cast: Cast, version: Version) -> None:
    aliases.point("production", version, cast.alice)
    address = "/api/v1/models/sentiment/aliases/production"
    assert signed_in(cast, "erin").delete(address).status_code == 403
    assert signed_in(cast, "alice").delete(address).status_code == 204
    assert signed_in(cast, "alice").delete(address).status_code == 404


def test_a_promotion_tells_who_when_from_where_to_where_and_why(cast: Cast, version: Version) -> None:
    second = registered(cast, version.run)
    aliases.point("production", version, cast.alice, "first release")
    aliases.point("production", second, cast.alice, "more data")
    change = Change.objects.filter(kind="alias_set").first()
    assert change
    assert (change.by, change.alias, change.from_number, change.to_number) == (cast.alice, "production", 1, 2)
    assert (change.reason, change.is_override) == ("more data", False)
    assert change.verdict == "Measured on the test split: accuracy 72.64\u2009%."
    assert Alias.objects.get().version == second


@pytest.mark.parametrize(
    ("precision", "stage", "passes", "reason"),
    [
        ("fp32", 3, True, "Measured on the test split"),
        ("fp32", 1, False, "never measured on the test split"),
        ("int8", 3, True, "loses 0.26 points of accuracy; the export gate lets through 0.60"),
        ("int8_ptq", 3, False, "loses 1.33 points of accuracy, more than the 0.60 of the export gate"),
        ("int8_old", 3, False, "No export gate has spoken"),
    ],
)
def test_production_asks_for_the_gate(cast: Cast, version: Version, precision: str, stage: int, passes: bool, reason: str) -> None:
    other = registered(cast, version.run, stage=stage, precision=precision)
    assert verdict_of(other).is_passed is passes
    assert reason in verdict_of(other).reason
    answer = put(signed_in(cast, "alice"), "production", other.number)
    assert answer.status_code == (200 if passes else 409)
    if not passes:
        assert reason in answer.json()["detail"]
        assert not Alias.objects.exists()


def test_a_candidate_needs_no_gate(cast: Cast, version: Version) -> None:
    other = registered(cast, version.run, precision="int8_ptq")
    assert put(signed_in(cast, "erin"), "candidate", other.number).status_code == 200


def test_an_owner_goes_past_the_gate_with_a_written_reason_alone(cast: Cast, version: Version) -> None:
    other, client = registered(cast, version.run, precision="int8_ptq"), signed_in(cast, "alice")
    answer = put(client, "production", other.number, override=True, reason="  ")
    assert answer.status_code == 409
    assert "Say why" in answer.json()["detail"]
    assert put(client, "production", other.number, override=True, reason="The customer accepts it").status_code == 200
    change = Change.objects.filter(kind="alias_set").get()
    assert change.is_override
    assert "loses 1.33 points" in change.verdict
    assert change.reason == "The customer accepts it"


def test_a_version_that_passes_is_no_override(cast: Cast, version: Version) -> None:
    aliases.point("production", version, cast.alice, override=True)
    assert not Change.objects.filter(kind="alias_set").get().is_override


def test_setting_what_is_set_leaves_no_line(cast: Cast, version: Version) -> None:
    aliases.point("candidate", version, cast.erin)
    with pytest.raises(WrongState, match="candidate points at sentiment v1 already"):
        aliases.point("candidate", version, cast.erin)
    assert Change.objects.filter(kind="alias_set").count() == 1


def test_a_version_that_was_deleted_meanwhile_gets_no_alias(cast: Cast, version: Version) -> None:
    same = Version.objects.get(pk=version.pk)
    same.delete()
    with pytest.raises(WrongState, match="deleted meanwhile"):
        aliases.point("candidate", version, cast.erin)


@pytest.mark.parametrize("alias", ["Production", "3", "a b", "x" * 41, "-a"])
def test_names_that_are_none_are_refused(cast: Cast, version: Version, alias: str) -> None:
    assert put(signed_in(cast, "alice"), alias, 1).status_code == 422


def test_a_version_of_another_model_cannot_be_pointed_at(cast: Cast, version: Version) -> None:
    assert put(signed_in(cast, "alice"), "candidate", 2).status_code == 404


def test_what_an_evaluation_finds_after_registering_opens_the_gate(cast: Cast, version: Version) -> None:
    first = registered(cast, version.run, stage=1)
    assert put(signed_in(cast, "alice"), "production", first.number).status_code == 409
    stage = version.run.stages[0]
    figures = {"split": "test", "test/accuracy": 0.61, "language": [{"task": "masked_lm", "dataset": "a", "perplexity": 9.5}]}
    Evaluation.objects.create(run=version.run, position=9, aside=True, of_stage=stage, split="test", status="completed", figures=figures)
    assert put(signed_in(cast, "alice"), "production", first.number).status_code == 200
    told = signed_in(cast, "bob").get("/api/v1/models/sentiment").json()["newest"]
    assert told["metrics"]["test/accuracy"] == 0.61
    assert told["metrics"]["test/masked_lm/a/perplexity"] == 9.5


@pytest.mark.parametrize("changes", [{"status": "failed"}, {"checkpoint": "1/checkpoints/stage-1-step-000001"}, {"dataset": "other"}])
def test_an_evaluation_that_failed_or_asked_something_else_does_not(cast: Cast, version: Version, changes: dict[str, str]) -> None:
    first = registered(cast, version.run, stage=1)
    fields = {"status": "completed", "figures": {"split": "test", "test/accuracy": 0.61}, **changes}
    Evaluation.objects.create(run=version.run, position=9, aside=True, of_stage=version.run.stages[0], split="test", **fields)
    assert put(signed_in(cast, "alice"), "production", first.number).status_code == 409
