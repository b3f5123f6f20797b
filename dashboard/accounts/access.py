"""Who may see and do what: every query for a person's data starts here. Not a member: 404. A member without the right: 403."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from dashboard.accounts.models import Membership, Project, Role, User
from dashboard.registry.models import RegisteredModel
from dashboard.runs.models import Run

Right = Literal["view", "edit", "own"]
Person = User | AnonymousUser
Thing = TypeVar("Thing")

ROLES: dict[Right, tuple[Role, ...]] = {
    "view": (Role.VIEWER, Role.EDITOR, Role.OWNER),
    "edit": (Role.EDITOR, Role.OWNER),
    "own": (Role.OWNER,),
}


def projects(user: Person, right: Right = "view") -> QuerySet[Project]:
    """The projects in which the person has the right."""
    if not user.is_authenticated or not user.is_active:
        return Project.objects.none()
    return Project.objects.filter(membership__user=user, membership__role__in=ROLES[right]).order_by("name")


def runs(user: Person, right: Right = "view") -> QuerySet[Run]:
    """The runs of those projects."""
    return Run.objects.filter(project__in=projects(user, right), deleted_at=None).select_related("project", "owner")


def registered_models(user: Person, right: Right = "view") -> QuerySet[RegisteredModel]:
    """The models by name of those projects."""
    return RegisteredModel.objects.filter(project__in=projects(user, right)).select_related("project", "owner")


def pairs(user_ids: Collection[int], project_ids: Collection[int]) -> set[tuple[int, int]]:
    """Which of these people, who must be active, may see which of these projects: one query for all that watch."""
    found = Membership.objects.filter(user__in=user_ids, user__is_active=True, project__in=project_ids, role__in=ROLES["view"])
    return set(found.values_list("user_id", "project_id"))


def get_project(user: Person, slug: str, right: Right = "view") -> Project:
    project = projects(user).filter(slug=slug).first()
    if project is None:
        raise Http404("No such project.")
    return _checked(user, project, right, project)


def get_run(user: Person, run_id: int, right: Right = "view") -> Run:
    run = runs(user).filter(pk=run_id).first()
    if run is None:
        raise Http404("No such run.")
    return _checked(user, run.project, right, run)


def get_model(user: Person, model_id: int, right: Right = "view") -> RegisteredModel:
    model = registered_models(user).filter(pk=model_id).first()
    if model is None:
        raise Http404("No such model.")
    return _checked(user, model.project, right, model)


def get_model_named(user: Person, name: str, project: str, right: Right = "view") -> RegisteredModel:
    """`project` may be "" where only one of the person's projects has a model of that name. Raises ValueError where several have."""
    found = list(registered_models(user).filter(name=name, **({"project__slug": project} if project else {}))[:2])
    if not found:
        raise Http404("No such model.")
    if len(found) > 1:
        raise ValueError("Several of your projects have a model of that name: name the project.")
    return _checked(user, found[0].project, right, found[0])


def has_right(user: Person, project: Project, right: Right) -> bool:
    return bool(user.is_authenticated and Membership.objects.filter(project=project, user=user, role__in=ROLES[right]).exists())


def _checked(user: Person, project: Project, right: Right, thing: Thing) -> Thing:
    if not has_right(user, project, right):
        raise PermissionDenied(f"This needs the right to {right} in {project.name}.")
    return thing


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that only signed-in people reach."""
    assert isinstance(request.user, User)
    return request.user
