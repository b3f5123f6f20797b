"""Every page, API operation and websocket, asked by nobody, a stranger, a viewer, an editor and the owner.

The routes come from the URL resolver, the OpenAPI document and the websocket routing; a new one without an entry here fails.
"""

from __future__ import annotations

import json
import secrets

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from dashboard.api.api import api
from dashboard.live.routing import websocket_urlpatterns
from dashboard.registry.models import PRODUCTION, Alias, RegisteredModel, Version
from dashboard.runs.models import Run
from tests.cast import Cast

pytestmark = pytest.mark.django_db

IDENTITIES = ("nobody", "charlie", "bob", "erin", "alice")
IN, OUT, GONE, NO = "in", "out", 404, 403

# name -> (method, answer for nobody, stranger, viewer, editor, owner). "in": anything but a refusal; "out": asked to sign in.
OPEN = (IN, IN, IN, IN, IN)
SIGNED_IN = (OUT, IN, IN, IN, IN)
MEMBERS = (OUT, GONE, IN, IN, IN)
EDITORS = (OUT, GONE, NO, IN, IN)
OWNERS = (OUT, GONE, NO, NO, IN)
PAGES: dict[str, tuple[str, tuple[object, ...]]] = {
    "home": ("get", SIGNED_IN),
    "run_list": ("get", SIGNED_IN),
    "run_new": ("get", (OUT, NO, NO, IN, IN)),
    "run_plan": ("post", SIGNED_IN),
    "run_detail": ("get", MEMBERS),
    "run_tab": ("get", MEMBERS),
    "run_log": ("get", MEMBERS),
    "run_stop": ("post", EDITORS),
    "run_resume": ("post", EDITORS),
    "run_retry": ("post", EDITORS),
    "run_delete": ("post", EDITORS),
    "evaluation_ask": ("post", EDITORS),
    "quantization_ask": ("post", (OUT, GONE, NO, 409, 409)),
    "flipped_csv": ("get", (OUT, GONE, GONE, GONE, GONE)),
    "load_test_ask": ("post", EDITORS),
    "repository_download": ("get", (OUT, GONE, GONE, GONE, GONE)),
    "job_stop": ("post", (OUT, GONE, NO, GONE, GONE)),
    "compare": ("get", SIGNED_IN),
    "queue": ("get", SIGNED_IN),
    "worker_list": ("get", SIGNED_IN),
    "recipe_list": ("get", SIGNED_IN),
    "dataset_list": ("get", SIGNED_IN),
    "dataset_picture": ("get", SIGNED_IN),
    "model_list": ("get", SIGNED_IN),
    "model_register": ("get", EDITORS),
    "model_detail": ("get", MEMBERS),
    "alias_set": ("post", EDITORS),
    "alias_remove": ("post", OWNERS),
    "version_delete": ("post", EDITORS),
    "playground": ("get", SIGNED_IN),
    "playground_language": ("get", SIGNED_IN),
    "settings": ("get", SIGNED_IN),
    "token_add": ("post", SIGNED_IN),
    "token_remove": ("post", (OUT, GONE, GONE, GONE, GONE)),
    "member_add": ("post", OWNERS),
    "member_role": ("post", OWNERS),
    "member_remove": ("post", OWNERS),
    "sign_in": ("get", OPEN),
    "sign_out": ("post", SIGNED_IN),
    "set_theme": ("post", OPEN),
    "set_language": ("post", OPEN),
    "healthz": ("get", OPEN),
}
API_MEMBERS = (401, 404, IN, IN, IN)
API_EDITORS = (401, 404, 403, IN, IN)
API_OWNERS = (401, 404, 403, 403, IN)
API_SIGNED_IN = (401, IN, IN, IN, IN)
# Asked for a row that is nobody's.
API_OWN = (401, 404, 404, 404, 404)
OPERATIONS: dict[tuple[str, str], tuple[object, ...]] = {
    ("get", "/api/v1/runs"): API_SIGNED_IN,
    ("post", "/api/v1/runs"): (401, 404, 403, IN, IN),
    ("get", "/api/v1/runs/{run_id}"): API_MEMBERS,
    ("delete", "/api/v1/runs/{run_id}"): API_EDITORS,
    ("get", "/api/v1/runs/{run_id}/export"): API_MEMBERS,
    ("get", "/api/v1/runs/{run_id}/stages"): API_MEMBERS,
    ("post", "/api/v1/runs/{run_id}/stop"): API_EDITORS,
    ("post", "/api/v1/runs/{run_id}/resume"): API_EDITORS,
    ("post", "/api/v1/runs/{run_id}/retry"): API_EDITORS,
    ("post", "/api/v1/runs/{run_id}/fork"): API_EDITORS,
    ("get", "/api/v1/runs/{run_id}/series"): API_MEMBERS,
    ("get", "/api/v1/runs/{run_id}/metrics"): API_MEMBERS,
    ("get", "/api/v1/series"): API_MEMBERS,
    ("get", "/api/v1/runs/{run_id}/quantizations"): API_MEMBERS,
    ("get", "/api/v1/runs/{run_id}/evaluations"): API_MEMBERS,
    ("post", "/api/v1/runs/{run_id}/evaluations"): API_EDITORS,
    ("get", "/api/v1/runs/{run_id}/load-tests"): API_MEMBERS,
    ("post", "/api/v1/runs/{run_id}/load-tests"): API_EDITORS,
    ("get", "/api/v1/recipes"): API_SIGNED_IN,
    ("post", "/api/v1/playground/predictions"): API_MEMBERS,
    ("get", "/api/v1/models"): API_SIGNED_IN,
    ("post", "/api/v1/models"): API_EDITORS,
    ("get", "/api/v1/models/{name}"): API_MEMBERS,
    ("post", "/api/v1/models/{name}/versions"): API_EDITORS,
    ("get", "/api/v1/models/{name}/versions/{number}"): API_MEMBERS,
    ("delete", "/api/v1/models/{name}/versions/{number}"): API_EDITORS,
    ("get", "/api/v1/models/{name}/versions/{number}/archive"): API_MEMBERS,
    ("put", "/api/v1/models/{name}/aliases/{alias}"): API_OWNERS,
    ("delete", "/api/v1/models/{name}/aliases/{alias}"): API_OWNERS,
    ("post", "/api/v1/playground/explanations"): API_MEMBERS,
    ("get", "/api/v1/playground/models"): API_MEMBERS,
    ("get", "/api/v1/playground/served"): API_SIGNED_IN,
    ("get", "/api/v1/playground/kept"): API_SIGNED_IN,
    ("post", "/api/v1/playground/kept"): API_SIGNED_IN,
    ("get", "/api/v1/playground/kept/{kept_id}/picture"): API_OWN,
    ("delete", "/api/v1/playground/kept/{kept_id}"): API_OWN,
    ("post", "/api/v1/playground/judgements"): API_EDITORS,
    ("delete", "/api/v1/playground/judgements/{judgement_id}"): API_OWN,
    ("post", "/api/v1/playground/datasets"): API_EDITORS,
    ("get", "/api/v1/playground/probes"): API_MEMBERS,
    ("post", "/api/v1/playground/probes"): API_EDITORS,
    ("get", "/api/v1/playground/probes/{probe_id}/picture"): API_OWN,
    ("delete", "/api/v1/playground/probes/{probe_id}"): API_OWN,
    ("post", "/api/v1/playground/scores"): API_MEMBERS,
    ("post", "/api/v1/playground/changes"): API_MEMBERS,
    ("post", "/api/v1/playground/batches"): API_MEMBERS,
    ("post", "/api/v1/playground/generations"): API_MEMBERS,
    ("get", "/api/v1/playground/requests/{ticket}"): API_SIGNED_IN,
    ("delete", "/api/v1/playground/requests/{ticket}"): API_SIGNED_IN,
}

QUERIES = dict.fromkeys(("/api/v1/series", "/api/v1/runs/{run_id}/series"), "?metric=train/loss&run={run_id}")
QUERIES |= dict.fromkeys(("/api/v1/playground/models", "/api/v1/playground/probes"), "?run={run_id}")


def arguments_of(name: str, cast: Cast, run_id: int, model_id: int) -> dict[str, object]:
    known = {
        "run_id": run_id,
        "tab": "config",
        "slug": cast.project.slug,
        "user_id": cast.bob.pk,
        "token_id": 0,
        "job_id": 0,
        "precision": "int8_qat",
        "name": "composed-pairs",
        "split": "test",
        "row": 0,
        "model_id": model_id,
        "alias": PRODUCTION,
        "version_number": 1,
    }
    pattern = next(each for each in get_resolver().url_patterns if each.name == name)
    return {key: known[key] for key in pattern.pattern.converters}


LINEAGE = {"run": {"number": 1, "name": "steady-kestrel"}, "stages": [{"index": 1, "name": "Foundation", "tasks": []}], "code": {}}


def registered_model(cast: Cast, run: Run) -> int:
    """A model whose only version is in production."""
    model = RegisteredModel.objects.get_or_create(project=cast.project, name="sentiment", defaults={"owner": cast.alice})[0]
    place = secrets.token_hex(16)
    files = {"size_bytes": 0, "archive_bytes": 1536, "files": {}, "digest": "0" * 64}
    fields = {"owner": cast.alice, "run": run, "stage_index": 1, "lineage": LINEAGE, "created_at": timezone.now(), "place": place, **files}
    version = Version.objects.get_or_create(model=model, number=1, defaults=fields)[0]
    Alias.objects.get_or_create(model=model, name=PRODUCTION, defaults={"version": version})
    return model.pk


def sign_in(client: Client, cast: Cast, identity: str) -> None:
    if identity != "nobody":
        client.force_login(getattr(cast, identity), backend="django.contrib.auth.backends.ModelBackend")


def judge(response, expected: object, identity: str) -> None:
    where = response.headers.get("Location", "")
    if expected == OUT:
        assert (response.status_code, where.startswith("/sign-in/")) == (302, True), identity
    elif expected == IN:
        assert response.status_code not in (401, 403, 404), identity
        assert response.status_code < 500 or says_what_is_away(response.json()), identity
        assert not where.startswith("/sign-in/?next"), identity
    else:
        assert response.status_code == expected, identity


def says_what_is_away(told: dict[str, object]) -> bool:
    """No server of messages runs here, which is said and no fault."""
    return told.get("status") == "unavailable" or "does not answer" in str(told.get("detail"))


def test_every_page_has_an_entry() -> None:
    names = {pattern.name for pattern in get_resolver().url_patterns if getattr(pattern, "name", None)}
    assert names == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_pages_open_for_those_who_may(name: str, cast: Cast) -> None:
    run = cast.submit()
    method, answers = PAGES[name]
    for identity, expected in zip(IDENTITIES, answers, strict=True):
        client = Client()
        sign_in(client, cast, identity)
        address = reverse(name, kwargs=arguments_of(name, cast, run.pk, registered_model(cast, run)))
        address += f"?run={run.pk}" if name == "model_register" else ""
        judge(getattr(client, method)(address), expected, identity)


def test_every_operation_has_an_entry() -> None:
    paths = api.get_openapi_schema()["paths"]
    assert {(method, path) for path, operations in paths.items() for method in operations} == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_operations_answer_those_who_may(operation: tuple[str, str], cast: Cast) -> None:
    run = cast.submit()
    method, path = operation
    names = {"run_id": run.pk, "name": "sentiment", "number": 1, "alias": PRODUCTION, "ticket": "a-ticket"}
    names |= dict.fromkeys(("kept_id", "judgement_id", "probe_id"), 0)
    address = path.format(**names) + QUERIES.get(path, "").format(run_id=run.pk)
    for identity, expected in zip(IDENTITIES, OPERATIONS[operation], strict=True):
        client = Client()
        registered_model(cast, run)
        sign_in(client, cast, identity)
        judge(ask(client, method, address, cast, run.pk), expected, identity)


def ask(client: Client, method: str, address: str, cast: Cast, run_id: int):
    if method in ("post", "put") and (body := body_of(address, cast, run_id)) is not None:
        return getattr(client, method)(address, json.dumps(body), content_type="application/json")
    if "/playground/" in address and method == "post":
        table = SimpleUploadedFile("texts.csv", b"text\nhello\n")
        told = {"text": "", "model": run_id, "run": run_id, "said": "a", "label": "b", "answers": "[]", "files": [table]}
        return client.post(address, told)
    return getattr(client, method)(address)


def body_of(address: str, cast: Cast, run_id: int) -> dict[str, object] | None:
    """None where the operation takes a form."""
    project = {"project": cast.project.slug}
    bodies = {
        "/runs": project | {"recipe": "sentiment-tiny", "name": "from-api"},
        "/fork": {"stage": 1},
        "/evaluations": {"stage": 1},
        "/load-tests": {},
        "/models": project | {"name": "another"},
        "/versions": {"run": run_id, "stage": 1},
        f"/aliases/{PRODUCTION}": {"version": 1},
        "/datasets": project,
        "/generations": {"model": run_id, "prompt": "Once"},
    }
    return next((body for end, body in bodies.items() if address.endswith(end)), None)


def test_the_session_alone_cannot_post_to_the_api_without_a_csrf_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, cast, "alice")
    assert client.post(f"/api/v1/runs/{cast.submit().pk}/stop").status_code == 403


def test_every_websocket_has_a_test() -> None:
    assert {str(route.pattern) for route in websocket_urlpatterns} == {"ws/runs/<int:run_id>/", "ws/overview/"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("identity", "code"), [("nobody", 4401), ("charlie", 4404)])
def test_the_run_socket_closes_for_those_who_may_not(identity: str, code: int, cast: Cast) -> None:
    assert async_to_sync(close_code)(cast, identity, f"/ws/runs/{cast.submit().pk}/") == code


@pytest.mark.django_db(transaction=True)
def test_the_overview_socket_closes_for_nobody(cast: Cast) -> None:
    assert async_to_sync(close_code)(cast, "nobody", "/ws/overview/") == 4401


async def close_code(cast: Cast, identity: str, path: str) -> int:
    user = AnonymousUser() if identity == "nobody" else getattr(cast, identity)
    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": [], "subprotocols": [], "user": user}
    socket = ApplicationCommunicator(URLRouter(websocket_urlpatterns), scope)
    await socket.send_input({"type": "websocket.connect"})
    message = await socket.receive_output(timeout=5)
    if message["type"] == "websocket.accept":
        message = await socket.receive_output(timeout=5)
    assert message["type"] == "websocket.close", message
    return int(message["code"])
