"""Signing in and out, one's own settings, and the members of projects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings as configuration
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts import access, team
from dashboard.accounts.forms import MemberForm, RoleForm, SignInForm
from dashboard.accounts.models import Membership, Project, Role, Token, User
from dashboard.home.context import THEMES

A_YEAR_S = 31_536_000


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> Any:
        answer = super().form_valid(form)
        if not form.cleaned_data["stay"]:
            self.request.session.set_expiry(0)
        return answer

    def form_invalid(self, form: Any) -> Any:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignOut(LogoutView):
    http_method_names = ["post", "options"]


@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """POST changes the password."""
    assert isinstance(request.user, User)
    if request.method != "POST":
        return page(request)
    form = PasswordChangeForm(request.user, request.POST)
    if not form.is_valid():
        return page(request, status=422, password=form)
    form.save()
    update_session_auth_hash(request, form.user)
    return page(request, notice=_("The password is changed."))


def page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    assert isinstance(request.user, User)
    projects = [describe(request, project) for project in access.projects(request.user)]
    context = {"password": PasswordChangeForm(request.user), "projects": projects, "tokens": request.user.tokens.order_by("-pk"), **more}
    return render(request, "accounts/settings.html", context, status=status)


def describe(request: HttpRequest, project: Project) -> dict[str, Any]:
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__username")
    return {"project": project, "members": members, "owns": access.has_right(request.user, project, "own"), "roles": Role.choices}


@require_POST
def token_add(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    return page(request, new_token=Token.issue(request.user))


@require_POST
def token_remove(request: HttpRequest, token_id: int) -> HttpResponse:
    assert isinstance(request.user, User)
    if not request.user.tokens.filter(pk=token_id).delete()[0]:
        raise Http404("No such token.")
    return redirect(reverse("settings") + "#tokens")


@require_POST
def member_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Adds somebody who is there, or creates them with a password that the answer shows once."""
    project, form = access.get_project(request.user, slug, "own"), MemberForm(request.POST)
    if not form.is_valid():
        return page(request, status=422, member_form=form, member_slug=slug)
    username, password = form.cleaned_data["username"], ""
    if form.cleaned_data["is_new"]:
        password = team.create_person(username)
    if problem := kept(lambda: team.add_member(project, username, form.cleaned_data["role"])):
        return page(request, status=422, problem=problem)
    return page(request, invited=username, invited_password=password)


@require_POST
def member_role(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    membership, form = get_membership(request, slug, user_id), RoleForm(request.POST)
    if not form.is_valid():
        return page(request, status=422, problem=_("There is no such role."))
    return after(request, kept(lambda: team.change_role(membership, form.cleaned_data["role"])))


@require_POST
def member_remove(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    membership = get_membership(request, slug, user_id)
    return after(request, kept(lambda: team.remove(membership)))


def get_membership(request: HttpRequest, slug: str, user_id: int) -> Membership:
    project = access.get_project(request.user, slug, "own")
    return get_object_or_404(Membership.objects.select_related("project"), project=project, user=user_id)


def kept(change: Callable[[], None]) -> str:
    """Makes the change, or returns why not."""
    try:
        change()
    except team.LastOwner:
        return _("A project needs an owner. Make somebody else one first.")
    return ""


def after(request: HttpRequest, problem: str) -> HttpResponse:
    return page(request, status=422, problem=problem) if problem else redirect(reverse("settings") + "#members")


@require_POST
@login_not_required
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remembers light, dark, or the system's choice for this browser."""
    chosen, back = request.POST.get("theme", ""), request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    answer = redirect(back if is_ours else "home")
    if chosen in THEMES:
        answer.set_cookie("anneal_theme", chosen, max_age=A_YEAR_S, samesite="Lax", secure=configuration.HTTPS)
    else:
        answer.delete_cookie("anneal_theme")
    return answer
