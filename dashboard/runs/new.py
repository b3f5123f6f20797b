"""The page that starts a run: a recipe or an older run fills it, the plan follows what is typed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts import access
from dashboard.accounts.models import Project
from dashboard.runs import lifecycle
from dashboard.runs.form import as_json, offers
from dashboard.runs.form.complaints import Complaints, checked
from dashboard.runs.form.fields import Draft
from dashboard.runs.form.forked import FIELD as FORK
from dashboard.runs.form.forked import Fork
from dashboard.runs.form.layout import blanks, page_of
from dashboard.runs.form.model_card import reuse_field
from dashboard.runs.form.parsing import document_of
from dashboard.runs.form.preview import preview_of
from dashboard.runs.form.summary import summary_of
from dashboard.runs.form.words import SCRIPT
from dashboard.runs.models import MAX_NAME
from dashboard.runs.names import suggest
from trainer import catalog, recipes
from trainer.config import SHAPE_FIELDS, Run


@require_http_methods(["GET", "HEAD", "POST"])
def run_new(request: HttpRequest) -> HttpResponse:
    projects = list(access.projects(request.user, "edit"))
    if not projects:
        raise PermissionDenied(_("Starting a run needs the right to edit in a project."))
    return submitted(request, projects) if request.method == "POST" else blank(request, projects)


@require_POST
def run_plan(request: HttpRequest) -> HttpResponse:
    """The plan of what has been typed so far, or what is wrong with it; and the same document as JSON."""
    forked = fork_asked(request)
    document, config, errors = typed(request, forked)
    errors |= forked.obstacle() if forked else {}
    preview = preview_of(config, starting_config(request.POST.get("recipe", ""), forked)) if config and not errors else None
    context = {"preview": preview, "complaints": summary_of(errors, document), "json": as_json.written(document)}
    return render(request, "runs/new/_plan.html", context)


def typed(request: HttpRequest, forked: Fork | None) -> tuple[dict[str, Any], Run | None, Complaints]:
    """The document, from the JSON where that is sent and from the fields otherwise; the config that it makes; what is wrong."""
    if as_json.FIELD not in request.POST:
        document = document_of(request.POST)
        document = forked.completed(document) if forked else document
        return document, *checked(document)
    read, errors = as_json.read(request.POST[as_json.FIELD])
    if read is None:
        return {}, None, errors
    config, errors = checked(read)
    return (config.model_dump(mode="json") if config else read), config, errors


def fork_asked(request: HttpRequest) -> Fork | None:
    """`from` and `stage` of the address or of the form; without a stage an older run only fills the form."""
    given = request.POST if request.method == "POST" else request.GET
    source, stage = given.get("from", ""), given.get("stage", "")
    if not stage:
        return None
    if not source.isdecimal() or not stage.isdecimal() or max(len(source), len(stage)) > 17:
        raise Http404("No such stage.")
    parent = access.get_run(request.user, int(source), "edit")
    if not 1 <= int(stage) <= len(parent.config["stages"]):
        raise Http404("No such stage.")
    return Fork(parent, int(stage))


def starting_config(recipe: str, forked: Fork | None) -> Run | None:
    """What the changes are counted from: the run that is forked, else the recipe."""
    if forked:
        return Run.model_validate(forked.parent.config)
    return recipes.load()[recipe].config if recipe in recipes.load() else None


def blank(request: HttpRequest, projects: list[Project]) -> HttpResponse:
    """Filled by `?from=RUN`, or by `?recipe=ID`, or by the first recipe; `?from=RUN&stage=K` forks the run there."""
    forked = fork_asked(request)
    recipe, document = starting_point(request)
    name = request.GET.get("name", "").strip()[:MAX_NAME] or suggest()
    chosen = {"name": name, "recipe": recipe, "project": request.GET.get("project", "") or projects[0].slug, "reuse": "on"}
    return form(request, projects, document, chosen, forked.obstacle() if forked else {}, forked)


def starting_point(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    if source := request.GET.get("from", ""):
        if not source.isdecimal() or len(source) > 17:
            raise Http404("No such run.")
        run = access.get_run(request.user, int(source))
        return run.recipe, run.config
    recipe = request.GET.get("recipe", "") or next(iter(recipes.load()))
    if recipe not in recipes.load():
        raise Http404("No such recipe.")
    return recipe, recipes.load()[recipe].config.model_dump(mode="json")


def submitted(request: HttpRequest, projects: list[Project]) -> HttpResponse:
    """Starts the run; `act=apply` only shows the JSON as a form."""
    forked = fork_asked(request)
    document, config, errors = typed(request, forked)
    chosen = {name: request.POST.get(name, "").strip() for name in ("name", "recipe", "project", "reuse")}
    project = project_of(request, projects, chosen["project"])
    errors |= wrong_name(chosen["name"])
    if errors or config is None or request.POST.get("act") == "apply":
        return form(request, projects, document, chosen, errors, forked, status=422 if errors else 200)
    owner, name = access.signed_in(request), chosen["name"] or suggest()
    if forked:
        made = forked.submit(owner, name, config)
    else:
        made = lifecycle.submit(project, owner, name, config, recipe=chosen["recipe"], reuse=bool(chosen["reuse"]))
    if isinstance(made, dict):
        return form(request, projects, document, chosen, made, forked, status=422)
    response = redirect("run_detail", run_id=made.pk)
    response.status_code = 303
    return response


def project_of(request: HttpRequest, projects: list[Project], chosen: str) -> Project:
    """The first one where none is named. One that the person may not edit is refused."""
    named = [each for each in projects if each.slug == chosen] if chosen else projects
    return named[0] if named else access.get_project(request.user, chosen, "edit")


def wrong_name(name: str) -> Complaints:
    if len(name) > MAX_NAME:
        return {"name": [_("Use at most %(count)s characters.") % {"count": MAX_NAME}]}
    return {"name": [_("Leave out null characters.")]} if "\0" in name else {}


def form(
    request: HttpRequest,
    projects: list[Project],
    document: dict[str, Any],
    chosen: dict[str, str],
    errors: Complaints,
    forked: Fork | None,
    status: int = 200,
) -> HttpResponse:
    start = starting_config(chosen["recipe"], forked)
    text = text_kept(request, document, errors)
    draft = draft_of(document if text is None else {}, start, errors if text is None else {}, forked)
    config = checked(document)[0] if not errors else None
    context = {
        "page": page_of(draft),
        "blanks": blanks(draft),
        "chosen": chosen,
        "reuse": reuse_field(chosen["reuse"]),
        "forked": forked,
        "fork_errors": errors.get(FORK, []),
        "projects": projects,
        "recipes": recipes.load().values(),
        "preview": preview_of(config, start) if config else None,
        "errors": errors,
        "complaints": summary_of(errors, document),
        "json": text,
        "shapes": SHAPE_FIELDS,
        "words": forked.words() if forked else SCRIPT,
        "num_recipe_stages": len(start.stages) if start else 0,
        "kinds": offers.by_kind(),
        "families": offers.by_family(),
    }
    return render(request, "runs/new.html", context, status=status)


def text_kept(request: HttpRequest, document: dict[str, Any], errors: Complaints) -> str | None:
    """The JSON as it was written, where the form has no place for what is wrong with it; else None."""
    text = request.POST.get(as_json.FIELD)
    return None if text is None or (as_json.FIELD not in errors and as_json.fits_the_form(document)) else text


def draft_of(document: dict[str, Any], start: Run | None, errors: Complaints, forked: Fork | None) -> Draft:
    """Without a document the form behind the JSON shows what it started from."""
    before = start.model_dump(mode="json") if start else None
    first = next(iter(recipes.load().values())).config.model_dump(mode="json")
    cards = catalog.load([settings.DATASETS_DIR])
    return Draft(document or before or first, before, errors, cards, forked.num_taken if forked else 0)
