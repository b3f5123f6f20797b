"""Who belongs to a project. A project always keeps an owner."""

from __future__ import annotations

import secrets

from django.db import transaction

from dashboard.accounts.models import Membership, Project, Role, User


class LastOwner(Exception):
    """The change would leave the project without an owner."""


def create_person(username: str) -> str:
    """Returns the first password, which is shown once and stored hashed."""
    password = secrets.token_urlsafe(12)
    User.objects.create_user(username, password=password)
    return password


def add_member(project: Project, username: str, role: str) -> None:
    """Who is a member already gets the role."""
    with transaction.atomic():
        person = User.objects.get(username=username)
        Membership.objects.update_or_create(project=project, user=person, defaults={"role": role})
        keep_an_owner(project)


def change_role(membership: Membership, role: str) -> None:
    """Raises LastOwner."""
    with transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(role=role)
        keep_an_owner(membership.project)


def remove(membership: Membership) -> None:
    """Raises LastOwner."""
    with transaction.atomic():
        membership.delete()
        keep_an_owner(membership.project)


def keep_an_owner(project: Project) -> None:
    """The project's row is locked before the question, so that two owners cannot remove each other at the same moment."""
    Project.objects.select_for_update().get(pk=project.pk)
    if not Membership.objects.filter(project=project, role=Role.OWNER).exists():
        raise LastOwner
