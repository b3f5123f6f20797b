"""A page that watches a run gets every update once and in order, whatever happens to the stream between."""

from __future__ import annotations

import asyncio

import pytest
from channels.db import database_sync_to_async

from dashboard.live import backlog, consumers, guard, publish
from dashboard.live.backlog import Frame
from dashboard.live.feed import Feed, feeds
from dashboard.live.publish import stream_of
from dashboard.redis import client
from dashboard.runs.models import Run
from tests.cast import Cast
from tests.live.pages import Page, cookie_of, move, opened, watching_run
from tests.servers import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(cast: Cast, valkey: Server) -> Run:
    return cast.submit()


async def test_a_page_catches_up_and_then_follows(run: Run, cast: Cast) -> None:
    newest = await move(run, 5)
    async with watching_run(run, cast.bob) as page:
        caught_up, joined = await page.receive_joined()
        assert [update["cursor"] for update in caught_up] == list(range(1, newest + 1))
        assert joined == {"type": "joined", "cursor": newest, "replayed": 0}
        assert await page.receive_until(await move(run, 3)) == [newest + 1, newest + 2, newest + 3]


async def test_a_page_that_comes_back_gets_what_it_missed_and_nothing_twice(run: Run, cast: Cast) -> None:
    async with watching_run(run, cast.alice) as page:
        seen = await page.receive_until(await move(run, 4))
    newest = await move(run, 6)
    async with watching_run(run, cast.alice, after=seen[-1]) as page:
        seen += await page.receive_until(newest)
        seen += await page.receive_until(await move(run))
    assert seen == list(range(1, newest + 2))


async def test_updates_that_never_reached_the_stream_are_read_from_the_database(run: Run, cast: Cast, valkey: Server, settings) -> None:
    async with watching_run(run, cast.alice) as page:
        _, joined = await page.receive_joined()
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        await move(run, 3)
        settings.REDIS_URL = valkey.url
        assert await page.receive_until(await move(run)) == list(range(joined["cursor"] + 1, joined["cursor"] + 5))


async def test_an_update_that_only_the_database_has_arrives_without_another_one(run: Run, cast: Cast, settings) -> None:
    async with watching_run(run, cast.alice) as page:
        _, joined = await page.receive_joined()
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        assert await page.receive_until(await move(run, 2)) == [joined["cursor"] + 1, joined["cursor"] + 2]


async def test_an_emptied_stream_costs_nothing(run: Run, cast: Cast, valkey: Server) -> None:
    async with watching_run(run, cast.alice) as page:
        seen = await page.receive_until(await move(run, 3))
        valkey.empty()
        await move(run, 2)
        await asyncio.to_thread(client().xtrim, stream_of(run.pk), maxlen=0)
        newest = await move(run)
        seen += await page.receive_until(newest)
    assert seen == list(range(1, newest + 1))


async def test_the_stream_of_a_run_that_has_come_to_rest_goes_by_itself(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "STREAM_S", 1)
    async with watching_run(run, cast.alice) as page:
        newest = await move(run, 3)
        await page.receive_until(newest)
        assert client().pttl(stream_of(run.pk)) > 0
        while client().exists(stream_of(run.pk)):  # noqa: ASYNC110  (the server lets it go by its own clock)
            await asyncio.sleep(0.1)
        assert await page.receive_until(await move(run, 2)) == [newest + 1, newest + 2]


async def test_a_killed_server_that_comes_back_costs_nothing(run: Run, cast: Cast, valkey: Server) -> None:
    async with watching_run(run, cast.alice) as page:
        seen = await page.receive_until(await move(run, 3))
        valkey.kill()
        seen += await page.receive_until(await move(run, 2))
        await asyncio.to_thread(valkey.start)
        newest = await move(run, 2)
        seen += await page.receive_until(newest)
    assert seen == list(range(1, newest + 1))


async def test_a_page_may_join_while_the_server_is_down(run: Run, cast: Cast, valkey: Server) -> None:
    valkey.kill()
    async with watching_run(run, cast.alice) as page:
        newest = await move(run, 2)
        assert await page.receive_until(newest) == list(range(1, newest + 1))


async def test_pages_that_come_and_go_while_the_run_moves_see_each_update_once(run: Run, cast: Cast) -> None:
    async def come_and_go(after: int) -> list[int]:
        seen: list[int] = []
        while not seen or seen[-1] < last:
            async with watching_run(run, cast.alice, after=seen[-1] if seen else after) as page:
                seen += await page.receive_until(min((seen[-1] if seen else after) + 7, last))
        return seen

    async def go_on() -> None:
        for _ in range(60):
            await move(run)
            await asyncio.to_thread(client().xtrim, stream_of(run.pk), maxlen=2, approximate=False)

    last = run.cursor + 60
    results = await asyncio.gather(*(come_and_go(0) for _ in range(4)), go_on())
    for seen in results[:4]:
        assert seen == list(range(1, last + 1))


async def test_watchers_of_a_run_share_one_reader_which_ends_with_the_last(run: Run, cast: Cast) -> None:
    async with watching_run(run, cast.alice) as first, watching_run(run, cast.bob) as second:
        await first.receive_joined()
        await second.receive_joined()
        assert len(feeds) == 1
        assert feeds[run.pk].num_watchers == 2
    assert feeds == {}


@pytest.mark.parametrize("lost", ["nothing", "the stream"])
async def test_a_slow_page_loses_nothing_and_holds_up_nobody(
    run: Run, cast: Cast, valkey: Server, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """What the process does not keep any more, the slow one is given from the stream, or from the database."""
    slow, may_go_on = cast.bob.pk, asyncio.Event()
    pass_on = consumers.RunConsumer.pass_on

    async def pass_on_slowly(self: consumers.RunConsumer, feed: Feed, last: int) -> list[Frame]:
        found = await pass_on(self, feed, last)
        if self.scope["user"].pk == slow:
            await may_go_on.wait()
        return found

    monkeypatch.setattr(consumers.RunConsumer, "pass_on", pass_on_slowly)
    monkeypatch.setattr(backlog, "MAX_FRAMES", 5)
    async with watching_run(run, cast.alice, run.cursor) as quick, watching_run(run, cast.bob, run.cursor) as slow_page:
        await quick.receive_joined()
        await slow_page.receive_joined()
        newest = await move(run, 30)
        expected = list(range(run.cursor + 1, newest + 1))
        assert await quick.receive_until(newest) == expected
        if lost == "the stream":
            valkey.empty()
        may_go_on.set()
        assert await slow_page.receive_until(newest) == expected


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", "NaN", "9" * 20, "9" * 5000, "٣", "1000", "0&format=xml"])
async def test_a_cursor_that_the_run_never_had_is_refused(run: Run, cast: Cast, after: str) -> None:
    async with watching_run(run, cast.alice, after) as page:
        assert await page.close_code() == consumers.BAD_REQUEST


async def test_nobody_is_asked_to_sign_in(run: Run) -> None:
    async with opened(f"/ws/runs/{run.pk}/") as page:
        assert await page.close_code() == guard.NOT_SIGNED_IN


@pytest.mark.parametrize("number", [0, 1_000_000])
async def test_a_stranger_cannot_tell_a_run_from_none(run: Run, cast: Cast, number: int) -> None:
    async with opened(f"/ws/runs/{number or run.pk}/", cast.charlie) as page:
        assert await page.close_code() == guard.NOT_FOUND


async def test_a_member_who_is_removed_is_disconnected(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CHECK_ACCESS_S", 0.05)
    async with watching_run(run, cast.bob) as page:
        await page.receive_joined()
        await database_sync_to_async(cast.project.membership_set.filter(user=cast.bob).delete)()
        assert await page.close_code() == guard.NOT_ALLOWED


async def test_a_person_who_signs_out_is_disconnected(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CHECK_ACCESS_S", 0.05)
    from django.contrib.sessions.models import Session

    async with watching_run(run, cast.bob) as page:
        await page.receive_joined()
        await database_sync_to_async(Session.objects.all().delete)()
        assert await page.close_code() == guard.NOT_SIGNED_IN


async def test_a_foreign_page_is_refused_by_its_origin(run: Run, cast: Cast) -> None:
    page = Page(f"/ws/runs/{run.pk}/", await cookie_of(cast.alice), origin="https://elsewhere.example")
    assert not await page.connect()
