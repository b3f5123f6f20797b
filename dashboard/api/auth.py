"""Who calls the API: a bearer token, or the session of the signed-in browser (then with CSRF protection)."""

from __future__ import annotations

from django.db.models.functions import Now
from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from dashboard.accounts.models import Token, User


class TokenAuth(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        found = Token.find(token)
        if found is None:
            return None
        Token.objects.filter(pk=found.pk).update(last_used_at=Now())
        request.user = found.user
        return found.user


AUTH = [TokenAuth(), SessionAuth()]
