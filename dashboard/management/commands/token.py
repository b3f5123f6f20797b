"""`manage.py token USERNAME`: prints a new API token. Only its digest is kept, so it is shown this once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.accounts.models import Token, User


class Command(BaseCommand):
    help = "Prints a new API token for a user."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user named {username}.")
        self.stdout.write(Token.issue(user))
