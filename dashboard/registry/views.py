"""The pages of models: the list, one model, and the form that registers a stage of a run."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.accounts import access
from dashboard.registry import aliases, registering
from dashboard.registry.forms import AliasForm, RegisterForm
from dashboard.registry.models import CANDIDATE, FP32, PRODUCTION, RegisteredModel, Version
from dashboard.registry.page import content
from dashboard.registry.rows import rows
from dashboard.registry.sources import source_of, sources_of
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Run

PAGE_SIZE = 25


@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(access.registered_models(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "registry/list.html", {"rows": rows(list(page)), "page": page})


@require_safe
def model_detail(request: HttpRequest, model_id: int) -> HttpResponse:
    return show(request, access.get_model(request.user, model_id))


def show(request: HttpRequest, model: RegisteredModel, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "registry/detail.html", content(request, model) | more, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def model_register(request: HttpRequest) -> HttpResponse:
    """`?run=ID&stage=K&precision=P` chooses what the form offers first."""
    given = request.POST if request.method == "POST" else request.GET
    run = access.get_run(request.user, number(given.get("run", "")), "edit")
    if request.method != "POST":
        return form(request, run, RegisterForm(initial={"source": suggested(given)}))
    filled = RegisterForm(request.POST)
    if not filled.is_valid():
        return form(request, run, filled, status=422)
    return registered(request, run, filled)


def suggested(given: QueryDict) -> str:
    """The stage and precision that the address names; "" leaves the choice to the form, which takes the last there is."""
    return f"{given['stage']}:{given.get('precision', FP32)}" if given.get("stage") else ""


def registered(request: HttpRequest, run: Run, filled: RegisterForm) -> HttpResponse:
    """Leads to the new version. What the gate or a role keeps from an alias is said before anything is registered."""
    name, alias, reason = (filled.cleaned_data[field] for field in ("name", "alias", "reason"))
    if alias == PRODUCTION:
        filled.add_error("alias", _("Register first, then promote on the model's page: the gate is asked there."))
        return form(request, run, filled, status=422)
    try:
        version = registering.register(run.project, name, source_of(run, *filled.chosen()), access.signed_in(request), reason)
        if alias:
            aliases.point(alias, version, access.signed_in(request), reason)
    except ValueError as problem:
        filled.add_error("source", str(problem))
        return form(request, run, filled, status=422)
    except WrongState as problem:
        return form(request, run, filled, status=409, problem=str(problem))
    return redirect("model_detail", version.model_id)


def form(request: HttpRequest, run: Run, filled: RegisterForm, *, status: int = 200, problem: str = "") -> HttpResponse:
    context = {
        "run": run,
        "form": filled,
        "sources": sources_of(run),
        "names": RegisteredModel.objects.filter(project=run.project_id).values_list("name", flat=True),
        "candidate": CANDIDATE,
        "problem": problem,
    }
    return render(request, "registry/register.html", context, status=status)


@require_POST
def alias_set(request: HttpRequest, model_id: int) -> HttpResponse:
    model = access.get_model(request.user, model_id, "edit")
    filled = AliasForm(request.POST, versions=model.versions.select_related("model"))
    if not filled.is_valid():
        return show(request, model, status=422, alias_form=filled)
    access.get_model(request.user, model_id, aliases.right_for(filled.name))
    given = filled.cleaned_data
    try:
        aliases.point(filled.name, given["version"], access.signed_in(request), given["reason"], override=given["override"])
    except WrongState as problem:
        return show(request, model, status=409, alias_form=filled, problem=str(problem))
    return redirect("model_detail", model.pk)


@require_POST
def alias_remove(request: HttpRequest, model_id: int, alias: str) -> HttpResponse:
    model = access.get_model(request.user, model_id, aliases.right_for(alias))
    aliases.remove(model, alias, access.signed_in(request))
    return redirect("model_detail", model.pk)


@require_POST
def version_delete(request: HttpRequest, model_id: int, version_number: int) -> HttpResponse:
    model = access.get_model(request.user, model_id, "edit")
    version = version_of(model, version_number)
    try:
        registering.delete(version, access.signed_in(request))
    except WrongState as problem:
        return show(request, model, status=409, problem=str(problem))
    return redirect("model_detail", model.pk)


def version_of(model: RegisteredModel, version_number: int) -> Version:
    found = model.versions.select_related("model").filter(number=version_number).first()
    if found is None:
        raise Http404("No such version.")
    return found


def number(text: str) -> int:
    """Raises Http404 for what is no number of a run."""
    if not (text.isascii() and text.isdigit()) or len(text) > 17:
        raise Http404("No such run.")
    return int(text)
