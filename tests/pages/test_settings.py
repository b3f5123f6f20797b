"""Settings: password, tokens, members."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from dashboard.accounts.models import Membership, Role, Token, User
from tests.cast import Cast

pytestmark = pytest.mark.django_db
MEMBERS = "/settings/projects/sentiment/members/"


def role_of(username: str) -> str | None:
    return Membership.objects.filter(user__username=username).values_list("role", flat=True).first()


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def test_a_new_password_keeps_the_session(alice: Client, cast: Cast) -> None:
    fields = {"old_password": "alice", "new_password1": "a-long-new-one-9", "new_password2": "a-long-new-one-9"}
    assert "The password is changed" in text_of(alice.post("/settings/", fields))
    cast.alice.refresh_from_db()
    assert cast.alice.check_password("a-long-new-one-9")
    assert alice.get("/settings/").status_code == 200


def test_a_password_that_is_too_short_is_refused_at_its_field(alice: Client) -> None:
    answer = alice.post("/settings/", {"old_password": "alice", "new_password1": "abc", "new_password2": "abc"})
    assert answer.status_code == 422
    assert 'id="wrong-new_password2"' in answer.content.decode()


def test_a_token_is_shown_once_and_stored_as_a_digest(alice: Client) -> None:
    shown = re.search(r"ann_[\w-]+", alice.post("/settings/tokens/").content.decode())
    assert shown
    assert Token.find(shown[0])
    assert shown[0] not in alice.get("/settings/").content.decode()
    assert not Token.objects.filter(digest=shown[0]).exists()


def test_a_token_can_be_revoked_by_its_owner_alone(alice: Client, cast: Cast) -> None:
    Token.issue(cast.alice)
    Token.issue(cast.bob)
    own, other = Token.objects.get(user=cast.alice), Token.objects.get(user=cast.bob)
    assert alice.post(f"/settings/tokens/{own.pk}/remove/").status_code == 302
    assert alice.post(f"/settings/tokens/{other.pk}/remove/").status_code == 404
    assert list(Token.objects.all()) == [other]


def test_an_owner_adds_somebody_who_is_there(alice: Client) -> None:
    assert "charlie is a member now" in text_of(alice.post(MEMBERS, {"username": "charlie", "role": "viewer"}))
    assert role_of("charlie") == Role.VIEWER


def test_a_name_that_nobody_has_creates_nobody(alice: Client) -> None:
    answer = alice.post(MEMBERS, {"username": "charly", "role": "viewer"})
    assert answer.status_code == 422
    assert "Nobody here is called charly" in text_of(answer)
    assert not User.objects.filter(username="charly").exists()


def test_a_new_person_gets_a_password_that_is_shown_once(alice: Client) -> None:
    text = text_of(alice.post(MEMBERS, {"username": "dora", "role": "editor", "is_new": "on"}))
    password = re.search(r'<code class="secret">([^<]+)</code>', text)
    assert password
    assert Client().post("/sign-in/", {"username": "dora", "password": password[1]}).status_code == 302
    assert role_of("dora") == Role.EDITOR
    assert password[1] not in text_of(alice.get("/settings/"))


def test_somebody_who_exists_is_not_created_again(alice: Client) -> None:
    answer = alice.post(MEMBERS, {"username": "charlie", "role": "editor", "is_new": "on"})
    assert answer.status_code == 422
    assert role_of("charlie") is None


@pytest.mark.parametrize("name", ["", "a b", "x" * 151, "<b>"])
def test_names_that_are_none_are_refused(alice: Client, name: str) -> None:
    assert alice.post(MEMBERS, {"username": name, "role": "editor", "is_new": "on"}).status_code == 422


def test_roles_change_and_members_go(alice: Client, cast: Cast) -> None:
    alice.post(f"{MEMBERS}{cast.bob.pk}/role/", {"role": "editor"})
    assert role_of("bob") == Role.EDITOR
    assert alice.post(f"{MEMBERS}{cast.bob.pk}/role/", {"role": "king"}).status_code == 422
    alice.post(f"{MEMBERS}{cast.bob.pk}/remove/")
    assert role_of("bob") is None


def test_a_project_keeps_an_owner(alice: Client, cast: Cast) -> None:
    for path, fields in ((f"{MEMBERS}{cast.alice.pk}/remove/", {}), (f"{MEMBERS}{cast.alice.pk}/role/", {"role": "viewer"})):
        answer = alice.post(path, fields)
        assert answer.status_code == 422
        assert "A project needs an owner" in text_of(answer)
    assert alice.post(MEMBERS, {"username": "alice", "role": "viewer"}).status_code == 422
    assert role_of("alice") == Role.OWNER


def test_viewers_see_who_is_in_but_no_form(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob, backend="django.contrib.auth.backends.ModelBackend")
    text = text_of(client.get("/settings/"))
    assert "erin" in text
    assert MEMBERS not in text
