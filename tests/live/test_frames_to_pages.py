"""Binary pages: the same updates as frames, several in one message, whatever the numbers; far behind, they read their curves again."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from channels.db import database_sync_to_async

from dashboard.accounts.models import User
from dashboard.live import backlog, consumers, frames, guard, publish, replay
from dashboard.live.messages import Update
from dashboard.live.publish import position_of, stream_of
from dashboard.metrics.writing import Writer
from dashboard.redis import client
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run
from tests.cast import Cast
from tests.live.pages import Page, move, opened, watching_run
from tests.servers import Server

pytestmark = pytest.mark.django_db(transaction=True)

ODD_VALUES = [math.nan, math.inf, -math.inf, 1e-300, 1e300, -0.0, 5e-324, 0.1]
ODD_NAMES = ["train/loss", 'quotes " and \\', "new\nline", "中文/损失", "🎉", "a" * 500, "<script>", "../..", " ", "%s", "\u2028"]


@pytest.fixture
def run(cast: Cast, valkey: Server) -> Run:
    return cast.submit()


@pytest.fixture
def writer(run: Run) -> Writer:
    from django.db.models.functions import Now

    from dashboard.fleet.models import Worker

    lease = lifecycle.claim(Worker.objects.create(name="cpu-1", host="cpu", pid=1, started_at=Now(), last_seen=Now()))
    assert lease
    run.refresh_from_db()
    return Writer(Attempt.objects.select_related("job__run").get(pk=lease.attempt_id))


@database_sync_to_async
def write(writer: Writer, points: dict[str, tuple[list[int], list[float]]]) -> int:
    with lifecycle.changing(writer.attempt.job.run_id, state_changes=False) as update:
        writer.write(update, points)
    return update.cursor


async def receive_frames(page: Page, until: int) -> list[Update]:
    found: list[Update] = []
    while not found or found[-1].cursor < until:
        message = await page.socket.receive_output(20)
        if message.get("bytes"):
            found += frames.decode(message["bytes"])
    return found


def values_of(updates: list[Update]) -> dict[str, list[tuple[int, bytes]]]:
    """By metric; the values as their bytes, for NaN is not equal to itself."""
    told: dict[str, list[tuple[int, bytes]]] = {}
    for update in updates:
        for points in update.points:
            pairs = zip(points.steps.tolist(), points.values, strict=True)
            told.setdefault(points.metric, []).extend((step, np.float64(value).tobytes()) for step, value in pairs)
    return told


@pytest.mark.parametrize("source", ["live", "the database"])
async def test_odd_numbers_and_names_reach_both_kinds_of_page(run: Run, cast: Cast, writer: Writer, source: str) -> None:
    points = {name: (list(range(1, 9)), ODD_VALUES) for name in ODD_NAMES}
    after, path = run.cursor, f"/ws/runs/{run.pk}/?after={run.cursor}"
    newest = await write(writer, points) if source == "the database" else 0
    async with opened(f"{path}&format=binary", cast.bob) as binary, opened(path, cast.bob) as text:
        newest = newest or await write(writer, points)
        told = values_of(await receive_frames(binary, newest))
        while (message := await text.receive())["type"] != "update":
            continue
    expected = [(step, np.float64(value).tobytes()) for step, value in enumerate(ODD_VALUES, 1)]
    assert told == dict.fromkeys(ODD_NAMES, expected)
    assert message["cursor"] == after + 1
    words = ["nan", "inf", "-inf", 1e-300, 1e300, -0.0, 5e-324, 0.1]
    assert {each["metric"]: each["value"] for each in message["points"]} == dict.fromkeys(ODD_NAMES, words)


async def test_control_messages_stay_text_beside_frames(run: Run, cast: Cast, writer: Writer) -> None:
    newest = await write(writer, {"a": ([1, 2], [0.5, 0.25])})
    async with opened(f"/ws/runs/{run.pk}/?after=0&format=binary", cast.bob) as page:
        first, second = await page.socket.receive_output(20), await page.socket.receive_output(20)
    updates = frames.decode(first["bytes"])
    assert [update.cursor for update in updates] == list(range(1, newest + 1))
    assert json.loads(second["text"]) == {"type": "joined", "cursor": newest, "replayed": 2}


async def test_whatever_is_read_back_from_the_database_ends_with_the_present_state(
    run: Run, cast: Cast, valkey: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between it and the present there may be updates that say nothing of a state."""
    monkeypatch.setattr(replay, "PAGE", 2)
    newest = await move(run, 5)
    valkey.empty()
    async with watching_run(run, cast.bob) as page:
        updates, _ = await page.receive_joined()
    assert [update["cursor"] for update in updates if "stages" in update] == sorted({*range(2, newest + 1, 2), newest})


async def test_a_page_far_behind_is_told_to_read_again_and_a_script_gets_everything(
    run: Run, cast: Cast, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "PAGE", 7)
    monkeypatch.setattr(replay, "PAGE_POINTS", 100)
    for part in range(30):
        newest = await write(writer, {"a": (list(range(50 * part, 50 * part + 50)), [0.5] * 50)})
    monkeypatch.setattr(consumers, "MAX_POINTS_BEHIND", 1_499)
    async with opened(f"/ws/runs/{run.pk}/?after=0&format=binary", cast.bob) as page:
        assert await page.close_code() == consumers.READ_AGAIN
    monkeypatch.setattr(consumers, "MAX_POINTS_BEHIND", 1_500)
    async with opened(f"/ws/runs/{run.pk}/?after=0&format=binary", cast.bob) as page:
        steps = [step for step, _ in values_of(await receive_frames(page, newest))["a"]]
    assert steps == list(range(1_500))
    monkeypatch.setattr(consumers, "MAX_CURSORS_BEHIND", 10)
    async with opened(f"/ws/runs/{run.pk}/?after=0&format=binary", cast.bob) as page:
        assert await page.close_code() == consumers.READ_AGAIN
    async with watching_run(run, cast.bob) as page:
        updates, joined = await page.receive_joined()
    assert [update["cursor"] for update in updates] == list(range(1, newest + 1))
    assert (joined["replayed"], [step for each in updates for points in each.get("points", []) for step in points["step"]]) == (
        1_500,
        steps,
    )


async def test_an_update_that_was_published_too_early_is_waited_for(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes commit one after the other and publish the other way round: the stream refuses the older one."""
    held: list[tuple[Update, int]] = []
    monkeypatch.setattr(lifecycle, "publish", lambda *given: held.append(given))
    async with watching_run(run, cast.alice, run.cursor) as page:
        await page.receive_joined()
        newest = await move(run, 5)
        for number in (1, 0, 4, 2, 3):
            await database_sync_to_async(publish.publish)(*held[number])
        assert await page.receive_until(newest) == list(range(run.cursor + 1, newest + 1))


@pytest.mark.parametrize("ahead", [3, 5_000])
async def test_the_stream_of_an_emptied_database_is_never_shown(run: Run, cast: Cast, ahead: int) -> None:
    """Another run of this number had it before, and had come further."""
    frame = frames.encode(Update(run.pk, run.cursor + ahead, log=[{"stage": 1, "attempt": 1, "text": "of another run"}]))
    for cursor in (run.cursor + 1, run.cursor + ahead):
        await database_sync_to_async(client().xadd)(stream_of(run.pk), {publish.FRAME: frame}, id=position_of(cursor))
    async with watching_run(run, cast.alice, run.cursor) as page:
        await page.receive_joined()
        newest = await move(run, 4)
        async with watching_run(run, cast.alice, run.cursor) as other:
            updates = [await page.receive() for _ in range(4)] + [await other.receive() for _ in range(4)]
    assert [update["cursor"] for update in updates] == 2 * list(range(run.cursor + 1, newest + 1))
    assert not any("log" in update for update in updates)


async def test_a_page_goes_on_after_the_web_process_was_started_again(run: Run, cast: Cast) -> None:
    """All that the process kept is gone; the page comes back with its cursor."""
    async with watching_run(run, cast.alice, run.cursor) as page:
        seen = await page.receive_until(await move(run, 3))
    newest = await move(run, 40)
    async with watching_run(run, cast.alice, seen[-1]) as page:
        seen += await page.receive_until(newest)
    assert seen == list(range(run.cursor + 1, newest + 1))


async def test_frames_that_come_while_others_are_sent_go_in_one_message(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.live.feed.PAUSE_PER_WATCHER_S", 0.1)
    async with opened(f"/ws/runs/{run.pk}/?after={run.cursor}&format=binary", cast.bob) as page:
        newest = await move(run, 30)
        messages, last = 0, run.cursor
        while last < newest:
            message = await page.socket.receive_output(20)
            if message.get("bytes"):
                messages, last = messages + 1, frames.decode(message["bytes"])[-1].cursor
    assert messages < 30


async def test_the_frames_kept_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MAX_BYTES", 10_000)
    kept = backlog.Backlog(0)
    for cursor in range(1, 1_001):
        kept.add(backlog.Frame(frames.encode(Update(1, cursor, log=[{"stage": 1, "attempt": 1, "text": "x" * 90}]))))
        assert kept.size <= 10_000
    assert (kept.holds(1_000), kept.holds(999), kept.holds(1)) == (True, True, False)
    assert kept.after(1) == []
    assert [frame.cursor for frame in kept.after(998)] == [999, 1_000]


async def test_a_deleted_run_ends_its_sockets(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CHECK_ACCESS_S", 0.05)
    async with watching_run(run, cast.bob) as page:
        await page.receive_joined()
        await database_sync_to_async(run.delete)()
        assert await page.close_code() == guard.NOT_FOUND


async def test_a_person_who_is_switched_off_is_disconnected(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CHECK_ACCESS_S", 0.05)
    async with watching_run(run, cast.bob) as page, opened("/ws/overview/", cast.bob) as other:
        cast.bob.is_active = False
        await cast.bob.asave()
        assert await page.close_code() == guard.NOT_SIGNED_IN
        assert await other.close_code() == guard.NOT_SIGNED_IN


async def test_a_changed_password_ends_the_sockets_that_were_opened_with_the_old_one(
    run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "CHECK_ACCESS_S", 0.05)
    async with watching_run(run, cast.bob) as page:
        await page.receive_joined()
        cast.bob.set_password("another")
        await cast.bob.asave()
        assert await page.close_code() == guard.NOT_SIGNED_IN


async def test_words_of_a_page_are_ignored_and_a_flood_of_them_ends_it(run: Run, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "WORDS", 5)
    async with watching_run(run, cast.bob) as page:
        await page.receive_joined()
        for word in ("ping", '{"after": 0}', "\x00"):
            await page.socket.send_input({"type": "websocket.receive", "text": word})
        assert await page.receive_until(await move(run))
        for _ in range(50):
            await page.socket.send_input({"type": "websocket.receive", "bytes": b"x"})
        assert await page.close_code() == consumers.BAD_REQUEST


def test_asking_whether_all_may_still_watch_costs_the_same_for_any_number(cast: Cast, django_assert_max_num_queries) -> None:
    runs = [cast.submit(str(number)) for number in range(3)]

    async def close(code: int) -> None: ...

    def seat(user: User, session: str | None, run: int | None) -> guard.Seat:
        return guard.Seat(user.pk, session, user.get_session_auth_hash(), run, close)

    seats = [seat(user, None, run.pk) for user in (cast.alice, cast.bob, cast.charlie) for run in runs for _ in range(50)]
    seats += [seat(cast.bob, "no such session", None), seat(cast.bob, None, None)]
    with django_assert_max_num_queries(6):
        found = guard.refusals(seats)
    expected = {seat: guard.NOT_ALLOWED for seat in seats if seat.user_id == cast.charlie.pk} | {seats[-2]: guard.NOT_SIGNED_IN}
    assert found == expected
    assert seats[-1].projects == frozenset([cast.project.pk])
