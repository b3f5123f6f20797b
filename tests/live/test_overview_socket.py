"""List pages hear which runs moved: those of the person's projects, and no others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from dashboard.accounts.models import Project
from dashboard.live import guard, overview_feed
from dashboard.runs import lifecycle
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.live.pages import database_sync_to_async, opened
from tests.servers import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(cast: Cast, valkey: Server) -> Run:
    return cast.submit()


@database_sync_to_async
def stop(run: Run, cast: Cast) -> None:
    lifecycle.request_stop(run, cast.alice)


async def test_a_list_shows_active_runs_and_then_what_moved(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_feed, "OVERVIEW_S", 0.05)
    async with opened("/ws/overview/", cast.bob) as page:
        assert [(each["id"], each["status"]) for each in (await page.receive())["runs"]] == [(run.pk, "queued")]
        await stop(run, cast)
        assert [(each["id"], each["status"]) for each in (await page.receive())["runs"]] == [(run.pk, "stopped")]


async def test_a_list_stays_fresh_without_a_message_server(run: Run, cast: Cast, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(overview_feed, "LOOK_S", 0.1)
    monkeypatch.setattr(overview_feed, "OVERVIEW_S", 0.05)
    async with opened("/ws/overview/", cast.bob) as page:
        await page.receive()
        await stop(run, cast)
        assert (await page.receive())["runs"][0]["status"] == "stopped"


async def test_the_runs_of_others_are_not_shown(run: Run, cast: Cast) -> None:
    own = await Project.objects.acreate(name="Own", slug="own")
    await own.membership_set.acreate(user=cast.charlie, role="owner")
    other = await database_sync_to_async(Cast(own, cast.charlie, cast.charlie, cast.charlie, cast.charlie).submit)()
    async with opened("/ws/overview/", cast.charlie) as page:
        assert [each["id"] for each in (await page.receive())["runs"]] == [other.pk]


async def test_nobody_is_asked_to_sign_in(cast: Cast) -> None:
    async with opened("/ws/overview/") as page:
        assert await page.close_code() == guard.NOT_SIGNED_IN


async def test_many_list_pages_cost_one_look(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """And those who may see the same are sent the same text."""
    looks, texts = [], set()
    look = overview_feed.overview

    def counted(projects: frozenset[int]) -> Any:
        looks.append(projects)
        return look(projects)

    monkeypatch.setattr(overview_feed, "overview", counted)
    monkeypatch.setattr(overview_feed, "OVERVIEW_S", 0.2)
    async with AsyncExitStack() as stack:
        people = [cast.alice, cast.bob, cast.erin] * 10
        pages = [await stack.enter_async_context(opened("/ws/overview/", person)) for person in people]
        for page in pages:
            await page.receive()
        before = len(looks)
        await stop(run, cast)
        for page in pages:
            texts.add((await page.socket.receive_output(20))["text"])
        assert len(looks) - before <= 2
    assert len(texts) == 1
    assert overview_feed.feeds[0].seats == set()


async def test_a_person_who_joins_a_project_sees_its_runs_on_the_page_that_is_open(
    run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "CHECK_ACCESS_S", 0.05)
    monkeypatch.setattr(overview_feed, "OVERVIEW_S", 0.05)
    monkeypatch.setattr(overview_feed, "LOOK_S", 0.1)
    async with opened("/ws/overview/", cast.charlie) as page:
        await cast.project.membership_set.acreate(user=cast.charlie, role="viewer")
        assert [each["id"] for each in (await page.receive())["runs"]] == [run.pk]
        await cast.project.membership_set.filter(user=cast.charlie).adelete()
        await asyncio.sleep(0.3)
        await stop(run, cast)
        assert await page.socket.receive_nothing(0.5)
