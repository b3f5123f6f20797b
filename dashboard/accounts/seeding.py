"""The first start: one project, one owner with a password made up on the spot and shown once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction

from dashboard.accounts.models import Membership, Project, Role, User


@dataclass(frozen=True)
class FirstLogin:
    username: str
    password: str


def seed() -> FirstLogin | None:
    """Returns the first login where there was no user yet, else None."""
    with transaction.atomic():
        if User.objects.exists():
            return None
        password = secrets.token_urlsafe(12)
        owner = User.objects.create_superuser("admin", password=password)
        project = Project.objects.create(name="Image + text sentiment", slug="sentiment")
        Membership.objects.create(project=project, user=owner, role=Role.OWNER)
    return FirstLogin(owner.username, password)
