"""The page that starts a run: a recipe or an older run fills it, the plan follows what is typed, a wrong field is named."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts import access
from dashboard.accounts.models import Project, User
from dashboard.runs import lifecycle
from dashboard.runs.form import as_json
from dashboard.runs.form.complaints import Complaints, checked
from dashboard.runs.form.fields import Draft
from dashboard.runs.form.layout import blanks, page_of
from dashboard.runs.form.parsing import document_of
from dashboard.runs.form.preview import preview_of
from dashboard.runs.form.summary import summary_of
from dashboard.runs.form.words import SCRIPT
from dashboard.runs.names import suggest
from trainer import catalog, recipes
from trainer.config import SHAPE_FIELDS, TASKS, Run

MAX_NAME = 80


@require_http_methods(["GET", "HEAD", "POST"])
def run_new(request: HttpRequest) -> HttpResponse:
    projects = list(access.projects(request.user, "edit"))
    if not projects:
        raise PermissionDenied(_("Starting a run needs the right to edit in a project."))
    return submitted(request, projects) if request.method == "POST" else blank(request, projects)


@require_POST
def run_plan(request: HttpRequest) -> HttpResponse:
    """The plan of what has been typed so far, or what is wrong with it; and the same document as JSON."""
    document, config, errors = typed(request)
    recipe = recipes.load().get(request.POST.get("recipe", ""))
    preview = preview_of(config, recipe.config if recipe else None) if config and not errors else None
    context = {"preview": preview, "complaints": summary_of(errors, document), "json": as_json.written(document)}
    return render(request, "runs/new/_plan.html", context)


def typed(request: HttpRequest) -> tuple[dict[str, Any], Run | None, Complaints]:
    """The document, from the JSON where that is sent and from the fields otherwise; the config that it makes; what is wrong."""
    if as_json.FIELD not in request.POST:
        document = document_of(request.POST)
        return document, *checked(document)
    read, errors = as_json.read(request.POST[as_json.FIELD])
    if read is None:
        return {}, None, errors
    config, errors = checked(read)
    return (config.model_dump(mode="json") if config else read), config, errors


def blank(request: HttpRequest, projects: list[Project]) -> HttpResponse:
    """Filled by `?from=RUN`, or by `?recipe=ID`, or by the first recipe."""
    recipe, document = starting_point(request)
    name = request.GET.get("name", "").strip()[:MAX_NAME] or suggest()
    chosen = {"name": name, "recipe": recipe, "project": request.GET.get("project", "") or projects[0].slug}
    return form(request, projects, document, chosen, {})


def starting_point(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    if source := request.GET.get("from", ""):
        if not source.isdecimal():
            raise Http404("No such run.")
        run = access.get_run(request.user, int(source))
        return run.recipe, run.config
    recipe = request.GET.get("recipe", "") or next(iter(recipes.load()))
    if recipe not in recipes.load():
        raise Http404("No such recipe.")
    return recipe, recipes.load()[recipe].config.model_dump(mode="json")


def submitted(request: HttpRequest, projects: list[Project]) -> HttpResponse:
    """Starts the run; `act=apply` only shows the JSON as a form."""
    document, config, errors = typed(request)
    chosen = {name: request.POST.get(name, "").strip() for name in ("name", "recipe", "project")}
    project = next((each for each in projects if each.slug == chosen["project"]), projects[0] if not chosen["project"] else None)
    if project is None:
        project = access.get_project(request.user, chosen["project"], "edit")
    errors |= wrong_name(chosen["name"])
    if errors or config is None or request.POST.get("act") == "apply":
        return form(request, projects, document, chosen, errors, status=422 if errors else 200)
    assert isinstance(request.user, User)
    run = lifecycle.submit(project, access.signed_in(request), chosen["name"] or suggest(), config, recipe=chosen["recipe"])
    response = redirect("run_detail", run_id=run.pk)
    response.status_code = 303
    return response


def wrong_name(name: str) -> Complaints:
    return {"name": [_("Use at most %(count)s characters.") % {"count": MAX_NAME}]} if len(name) > MAX_NAME else {}


def form(
    request: HttpRequest, projects: list[Project], document: dict[str, Any], chosen: dict[str, str], errors: Complaints, status: int = 200
) -> HttpResponse:
    recipe = recipes.load().get(chosen["recipe"])
    text = text_kept(request, document, errors)
    draft = draft_of(document if text is None else {}, recipe, errors if text is None else {})
    config = checked(document)[0] if not errors else None
    context = {
        "page": page_of(draft),
        "blanks": blanks(),
        "chosen": chosen,
        "projects": projects,
        "recipes": recipes.load().values(),
        "cards": catalog.load([settings.DATASETS_DIR]),
        "preview": preview_of(config, recipe.config if recipe else None) if config else None,
        "errors": errors,
        "complaints": summary_of(errors, document),
        "json": text,
        "shapes": SHAPE_FIELDS,
        "words": SCRIPT,
        "num_recipe_stages": len(recipe.config.stages) if recipe else 0,
        "kinds": {kind: list(task.model_fields) for kind, task in TASKS.items()},
    }
    return render(request, "runs/new.html", context, status=status)


def text_kept(request: HttpRequest, document: dict[str, Any], errors: Complaints) -> str | None:
    """The JSON as it was written, where the form has no place for what is wrong with it; else None."""
    text = request.POST.get(as_json.FIELD)
    return None if text is None or (as_json.FIELD not in errors and as_json.fits_the_form(document)) else text


def draft_of(document: dict[str, Any], recipe: recipes.Recipe | None, errors: Complaints) -> Draft:
    """Without a document the form behind the JSON shows the recipe."""
    start = recipe or next(iter(recipes.load().values()))
    before = recipe.config.model_dump(mode="json") if recipe else None
    return Draft(document or start.config.model_dump(mode="json"), before, errors)
