"""The pages of models: the list, one model, the form that registers, and what the run page says of it."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.accounts.models import Membership, Project, Role
from dashboard.registry import aliases
from dashboard.registry.models import Alias, RegisteredModel, Version
from dashboard.runs import deletion
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.pages.test_playground import BACKEND
from tests.registry.made import change_a_byte, finished, registered
from tests.runs.finished import folder

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(cast: Cast) -> Run:
    return finished(cast, int8="passed", int8_ptq="failed")


def page(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def browser(cast: Cast, name: str) -> Client:
    client = Client()
    client.force_login(getattr(cast, name), backend=BACKEND)
    return client


def test_without_models_the_list_says_what_to_do(alice: Client) -> None:
    text = page(alice, "/models/")
    assert "No model is registered yet" in text
    assert 'href="/models/" aria-current="page"' in text


def test_the_list_shows_aliases_newest_version_and_accuracy(alice: Client, cast: Cast, run: Run) -> None:
    first = registered(cast, run)
    registered(cast, run, precision="int8")
    aliases.point("production", first, cast.alice)
    text = re.sub(r"<[^>]+>|\s+", " ", page(alice, "/models/"))
    assert re.search(r"sentiment\s+v2\s+Sentiment\s+production\s+v1\s+v2\s+INT8\s+72\.38", text)


def test_the_number_of_queries_of_the_list_does_not_grow_with_rows(alice: Client, cast: Cast, run: Run) -> None:
    fill(cast, run, "first")
    before = count_of(alice, "/models/"), count_of(alice, "/api/v1/models")
    for name in ("second", "third", "fourth"):
        fill(cast, run, name)
    assert (count_of(alice, "/models/"), count_of(alice, "/api/v1/models")) == before


def fill(cast: Cast, run: Run, name: str) -> None:
    version = registered(cast, run, name)
    for alias in ("candidate", "shadow"):
        Alias.objects.create(model=version.model, name=alias, version=version)


def count_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_nor_do_those_of_a_model_with_its_versions(alice: Client, cast: Cast, run: Run) -> None:
    address = f"/models/{registered(cast, run).model_id}/"
    registered(cast, run)
    before = count_of(alice, address)
    for _ in range(3):
        registered(cast, run)
    assert count_of(alice, address) == before


def test_registering_leads_to_the_new_version(alice: Client, cast: Cast, run: Run) -> None:
    text = page(alice, f"/models/register/?run={run.pk}&stage=2")
    assert re.search(r'value="2:fp32" required checked', text)
    filled = {"run": run.pk, "source": "3:int8", "name": "sentiment", "alias": "candidate", "reason": "small enough"}
    answer = alice.post("/models/register/", filled)
    version = Version.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/models/{version.model_id}/")
    assert (version.precision, version.number, Alias.objects.get().version) == ("int8", 1, version)
    text = page(alice, f"/models/{version.model_id}/")
    for said in (version.digest, "steady-kestrel", "small enough", "the export gate lets through 0.60", "PyTorch 2.13.0"):
        assert said in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Sentiment!"}, "Small letters, digits"),
        ({"name": ""}, "This field is required"),
        ({"name": "a" * 65}, "at most 64 characters"),
        ({"source": "9:fp32"}, "Stage 9 of steady-kestrel has not finished"),
        ({"source": "3:bf16"}, "has no BF16"),
        ({"source": "nonsense"}, "Enter a valid value"),
        ({"alias": "7"}, "a letter first"),
        ({"alias": "production"}, "promote on the model's page"),
        ({"reason": "a" * 501}, "at most 500 characters"),
    ],
)
def test_what_is_filled_in_wrongly_is_said_and_nothing_is_registered(alice: Client, run: Run, changes: dict[str, str], said: str) -> None:
    answer = alice.post("/models/register/", {"run": run.pk, "source": "3:fp32", "name": "sentiment", **changes})
    assert answer.status_code == 422
    assert said in html.unescape(answer.content.decode())
    assert not Version.objects.exists()


def test_a_damaged_checkpoint_is_said_on_the_form(alice: Client, run: Run) -> None:
    change_a_byte(folder(run.stages[2]) / "model.safetensors")
    answer = alice.post("/models/register/", {"run": run.pk, "source": "3:fp32", "name": "sentiment"})
    assert answer.status_code == 409
    assert "model.safetensors is not what was saved" in answer.content.decode()


@pytest.mark.parametrize("wanted", ["", "x", "1" * 30, "٣"])
def test_a_run_that_is_none_is_not_found(alice: Client, wanted: str) -> None:
    assert alice.get("/models/register/", {"run": wanted}).status_code == 404


def test_promoting_on_the_page_asks_for_the_gate_and_tells_why_not(alice: Client, cast: Cast, run: Run) -> None:
    version = registered(cast, run, precision="int8_ptq")
    address = f"/models/{version.model_id}/aliases/"
    answer = alice.post(address, {"alias": "production", "version": 1})
    assert answer.status_code == 409
    assert "does not pass the gate" in answer.content.decode()
    answer = alice.post(address, {"alias": "production", "version": 1, "override": "on", "reason": "agreed with the customer"})
    assert answer.status_code == 302
    text = page(alice, f"/models/{version.model_id}/")
    assert "Past the gate:" in text
    assert "agreed with the customer" in text


def test_an_alias_of_ones_own_needs_a_name(alice: Client, cast: Cast, run: Run) -> None:
    address = f"/models/{registered(cast, run).model_id}/aliases/"
    answer = alice.post(address, {"alias": "", "own": "", "version": 1})
    assert answer.status_code == 422
    assert "Give the alias a name" in answer.content.decode()
    assert alice.post(address, {"alias": "", "own": "Shadow", "version": 1}).status_code == 422
    assert alice.post(address, {"alias": "", "own": "shadow", "version": 9}).status_code == 422
    assert alice.post(address, {"alias": "", "own": "shadow", "version": 1}).status_code == 302
    assert Alias.objects.get().name == "shadow"


def test_an_editor_is_refused_production_on_the_page_too(cast: Cast, run: Run) -> None:
    version = registered(cast, run)
    client = browser(cast, "erin")
    assert client.post(f"/models/{version.model_id}/aliases/", {"alias": "production", "version": 1}).status_code == 403
    assert client.post(f"/models/{version.model_id}/aliases/", {"alias": "candidate", "version": 1}).status_code == 302
    assert "Go past the gate" not in page(client, f"/models/{version.model_id}/")


def test_a_viewer_sees_and_downloads_and_is_offered_no_change(cast: Cast, run: Run) -> None:
    version = registered(cast, run)
    text = page(browser(cast, "bob"), f"/models/{version.model_id}/")
    assert 'href="/api/v1/models/sentiment/versions/1/archive?project=sentiment" download' in text
    assert '<form method="post" action="/models/' not in text
    assert "delete-version" not in text
    assert "/models/register/" not in page(browser(cast, "bob"), f"/runs/{run.pk}/stages/")


def test_strangers_see_no_model_and_no_name(cast: Cast, run: Run) -> None:
    version = registered(cast, run)
    client = browser(cast, "charlie")
    assert "sentiment" not in re.sub(r"<[^>]+>", "", page(client, "/models/"))
    assert client.get(f"/models/{version.model_id}/").status_code == 404


def test_two_versions_are_compared_metric_by_metric(alice: Client, cast: Cast, run: Run) -> None:
    model = registered(cast, run).model
    registered(cast, run, precision="int8")
    text = re.sub(r"<[^>]+>|\s+", " ", page(alice, f"/models/{model.pk}/?version=2&with=1"))
    assert re.search(r"Test accuracy\s+72\.64.%\s+72\.38.%\s+−0\.26 pt", text)
    assert re.search(r"Latency p50, ms\s+—\s+4\.200\s+—", text)


def test_a_version_that_there_is_not_is_not_found(alice: Client, cast: Cast, run: Run) -> None:
    model = registered(cast, run).model
    assert alice.get(f"/models/{model.pk}/?version=7").status_code == 404
    assert alice.post(f"/models/{model.pk}/versions/7/delete/").status_code == 404


def test_a_version_goes_unless_an_alias_points_at_it(alice: Client, cast: Cast, run: Run) -> None:
    version = registered(cast, run)
    aliases.point("candidate", version, cast.erin)
    address = f"/models/{version.model_id}/versions/1/delete/"
    answer = alice.post(address)
    assert answer.status_code == 409
    assert "move or remove it first" in answer.content.decode()
    assert alice.post(f"/models/{version.model_id}/aliases/candidate/remove/").status_code == 302
    assert alice.post(address).status_code == 302
    text = page(alice, f"/models/{version.model_id}/")
    assert "No version" in text
    assert "deleted v1" in text
    assert "every version is deleted" in page(alice, "/models/")


def test_a_version_of_a_deleted_run_still_tells_where_it_comes_from(alice: Client, cast: Cast, run: Run) -> None:
    version = registered(cast, run)
    deletion.delete(run)
    text = page(alice, f"/models/{version.model_id}/")
    assert "#1 steady-kestrel" in text
    assert "deleted since; these files stay" in text
    assert "/playground/?run=" not in text


def test_the_run_page_registers_finished_stages_and_names_what_was_registered(alice: Client, cast: Cast, run: Run) -> None:
    version = registered(cast, run, precision="int8")
    text = page(alice, f"/runs/{run.pk}/stages/")
    assert [f"?run={run.pk}&stage={index}" in text for index in (1, 2, 3)] == [True] * 3
    for tab in ("stages", "quantization"):
        assert f'href="/models/{version.model_id}/?version=1"' in page(alice, f"/runs/{run.pk}/{tab}/")
    assert f'href="/models/register/?run={run.pk}"' in page(alice, f"/runs/{run.pk}/quantization/")


def test_names_of_others_are_harmless(alice: Client, cast: Cast, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(name="<script>alert(1)</script>")
    version = registered(cast, Run.objects.get(pk=run.pk))
    aliases.point("candidate", version, cast.erin, "<img src=x onerror=alert(1)>")
    text = alice.get(f"/models/{version.model_id}/").content.decode()
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_two_projects_may_use_the_same_name(alice: Client, cast: Cast, run: Run) -> None:
    other = Project.objects.create(name="Second", slug="second")
    Membership.objects.create(project=other, user=cast.alice, role=Role.OWNER)
    registered(cast, run)
    RegisteredModel.objects.create(project=other, name="sentiment", owner=cast.alice)
    answer = alice.get("/api/v1/models/sentiment")
    assert answer.status_code == 422
    assert "name the project" in answer.json()["detail"]
    assert alice.get("/api/v1/models/sentiment?project=sentiment").json()["newest"]["number"] == 1
    assert alice.get("/api/v1/models/sentiment?project=second").json()["newest"] is None
