"""`manage.py prepare`: migrates and seeds the database where web and workers run apart (containers); `up` does it by itself."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from dashboard.management.commands.up import prepare_database


class Command(BaseCommand):
    help = "Migrates, and at the first start makes the first login and queues the example run."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if login := prepare_database():
            self.stdout.write(f"First login: {login.username}\nPassword:    {login.password}   (shown only this once)")
