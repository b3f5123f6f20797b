"""The API under /api/v1/: every operation needs a signed-in person; errors are JSON with the path of each bad field."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError
from pydantic import ValidationError as ConfigError

from dashboard.api.auth import AUTH
from dashboard.api.evaluations import router as evaluations
from dashboard.api.export import router as export
from dashboard.api.load_tests import router as load_tests
from dashboard.api.recipes import router as recipes
from dashboard.api.runs import router as runs
from dashboard.api.series import router as series
from dashboard.api.submitting import Refused
from dashboard.evaluations.choices import Refused as NotToAsk
from dashboard.playground.api import router as playground
from dashboard.playground.api_kept import router as playground_kept
from dashboard.playground.api_many import router as playground_many
from dashboard.playground.api_served import router as playground_served
from dashboard.playground.api_text import router as playground_text
from dashboard.registry.api import router as models
from dashboard.runs.lifecycle import WrongState
from dashboard.serving.choices import Refused as NotToServe

api = NinjaAPI(title="Anneal", version="1", urls_namespace="api", auth=AUTH, docs_url=None)
api.add_router("/runs", runs)
api.add_router("/runs", export)
api.add_router("/runs", evaluations)
api.add_router("/runs", load_tests)
api.add_router("", series)
api.add_router("/recipes", recipes)
for each in (playground, playground_kept, playground_many, playground_text, playground_served):
    api.add_router("/playground", each)
api.add_router("/models", models)


def answer(request: HttpRequest, status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> HttpResponse:
    return api.create_response(request, {"detail": detail, "errors": errors or []}, status=status)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Exception) -> HttpResponse:
    return answer(request, 404, str(error) or "Not found.")


@api.exception_handler(PermissionDenied)
def forbidden(request: HttpRequest, error: Exception) -> HttpResponse:
    return answer(request, 403, str(error) or "You do not have the right to do this.")


@api.exception_handler(WrongState)
def wrong_state(request: HttpRequest, error: Exception) -> HttpResponse:
    return answer(request, 409, str(error))


@api.exception_handler(NotToAsk)
def not_to_ask(request: HttpRequest, error: Exception) -> HttpResponse:
    return answer(request, 422, str(error))


@api.exception_handler(NotToServe)
def not_to_serve(request: HttpRequest, error: NotToServe) -> HttpResponse:
    return answer(request, 422, str(error), error.errors)


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return answer(request, 422, str(error), error.errors)


@api.exception_handler(ConfigError)
def bad_config(request: HttpRequest, error: ConfigError) -> HttpResponse:
    errors = [{"loc": ["config", *each["loc"]], "msg": each["msg"]} for each in error.errors(include_url=False)]
    return answer(request, 422, f"{len(errors)} fields of the config are wrong", errors)


@api.exception_handler(ValidationError)
def bad_request(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return answer(request, 422, "the request is not well-formed", [{"loc": list(e["loc"]), "msg": e["msg"]} for e in error.errors])


def addresses() -> tuple[list[Any], str, str]:
    """The API's addresses, past the pages' redirect to the sign-in: AUTH above answers 401 by itself, and takes tokens too."""
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        assert pattern.callback
        pattern.callback = login_not_required(pattern.callback)
    return patterns, app_name, namespace
