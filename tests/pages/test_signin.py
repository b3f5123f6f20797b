"""Signing in and out."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.cast import Cast

pytestmark = pytest.mark.django_db


def sign_in(client: Client, **fields: str) -> object:
    return client.post("/sign-in/", {"username": "alice", "password": "alice", **fields})


def test_every_page_sends_strangers_to_the_sign_in(client: Client) -> None:
    for path in ("/", "/runs/", "/queue/", "/settings/"):
        assert client.get(path)["Location"] == f"/sign-in/?next={path}"


@pytest.mark.usefixtures("cast")
def test_who_signs_in_comes_to_where_they_wanted_to_go(client: Client) -> None:
    answer = client.post("/sign-in/", {"username": "alice", "password": "alice", "next": "/runs/"})
    assert answer["Location"] == "/runs/"


@pytest.mark.usefixtures("cast")
def test_nobody_is_sent_to_a_foreign_page(client: Client) -> None:
    answer = client.post("/sign-in/", {"username": "alice", "password": "alice", "next": "https://evil.example/"})
    assert answer["Location"] == "/"


@pytest.mark.usefixtures("cast")
def test_a_wrong_password_answers_422_and_says_so(client: Client) -> None:
    answer = client.post("/sign-in/", {"username": "alice", "password": "wrong"})
    assert answer.status_code == 422
    assert "correct username and password" in answer.content.decode()
    assert 'value="alice"' in answer.content.decode()


@pytest.mark.usefixtures("cast")
def test_a_session_ends_with_the_browser_unless_the_person_stays(client: Client) -> None:
    sign_in(client)
    assert client.session.get_expire_at_browser_close()
    client.logout()
    sign_in(client, stay="on")
    assert not client.session.get_expire_at_browser_close()


@pytest.mark.usefixtures("cast")
def test_guessing_is_stopped_with_a_page(client: Client) -> None:
    for _ in range(6):
        answer = client.post("/sign-in/", {"username": "alice", "password": "wrong"})
    assert answer.status_code == 429
    assert "Too many wrong passwords" in answer.content.decode()
    assert sign_in(client).status_code == 429


def test_signing_out_needs_a_post(alice: Client, cast: Cast) -> None:
    assert alice.get("/sign-out/").status_code == 405
    assert alice.post("/sign-out/")["Location"] == "/sign-in/"
    assert alice.get("/")["Location"] == "/sign-in/?next=/"


def test_a_form_without_its_token_is_refused(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/sign-in/", {"username": "alice", "password": "alice"})
    assert answer.status_code == 403
    assert "This form was too old" in answer.content.decode()


def test_the_theme_is_remembered_and_only_what_there_is(client: Client) -> None:
    client.post("/theme/", {"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/sign-in/").content.decode()
    client.post("/theme/", {"theme": '"><script>'})
    assert "data-theme=" not in client.get("/sign-in/").content.decode()


def test_the_theme_leads_back_to_the_page_but_to_no_foreign_one(client: Client) -> None:
    assert client.post("/theme/", {"theme": "dark", "next": "/sign-in/"})["Location"] == "/sign-in/"
    assert client.post("/theme/", {"theme": "dark", "next": "//evil.example/"})["Location"] == "/"
