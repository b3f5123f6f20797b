"""One look every few seconds at whether all who watch still may: signed out, switched off, removed from the project, run deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.db import Error
from django.utils import timezone

from dashboard.accounts import access
from dashboard.accounts.models import Membership, User
from dashboard.runs.models import Run

log = logging.getLogger(__name__)

NOT_SIGNED_IN, NOT_ALLOWED, NOT_FOUND = 4401, 4403, 4404
CHECK_ACCESS_S = 3.0


@dataclass(eq=False)
class Seat:
    """A watcher: who it is, and what it watches: a run, or the runs of `projects` where `run_id` is None."""

    user_id: int
    session_key: str | None
    password: str  # a digest of it: who changes it signs out all other browsers
    run_id: int | None
    close: Callable[[int], Awaitable[None]]
    projects: frozenset[int] = field(default_factory=frozenset)


class Guard:
    """Asks for all seats of this process at once."""

    def __init__(self) -> None:
        self.seats: set[Seat] = set()
        self.closing: set[asyncio.Future[None]] = set()
        self.task = asyncio.create_task(self.run(), name="guard of the watchers")

    async def run(self) -> None:
        while True:
            await asyncio.sleep(CHECK_ACCESS_S)
            try:
                found = await database_sync_to_async(refusals)(list(self.seats))
            except Error as error:
                log.warning("the database does not answer: %s", error)
                continue
            except Exception:
                log.exception("who watches cannot be checked")
                continue
            for seat in found.keys() & self.seats:
                self.seats.discard(seat)
                closing = asyncio.ensure_future(seat.close(found[seat]))
                self.closing.add(closing)
                closing.add_done_callback(self.closing.discard)


def refusals(seats: Collection[Seat]) -> dict[Seat, int]:
    """Returns the close code of each seat whose person may not watch any more; few queries, however many there are.

    The projects of those who watch all their runs are renewed with it.
    """
    people = {seat.user_id for seat in seats}
    present = {user.pk: user.get_session_auth_hash() for user in User.objects.filter(pk__in=people, is_active=True)}
    keys = {seat.session_key for seat in seats if seat.session_key is not None}
    signed_in = set(Session.objects.filter(pk__in=keys, expire_date__gt=timezone.now()).values_list("pk", flat=True))
    watched = {seat.run_id for seat in seats if seat.run_id}
    runs = dict(Run.objects.filter(pk__in=watched, deleted_at=None).values_list("pk", "project_id"))
    may_see = access.pairs(list(present), set(runs.values()))
    renew_projects([seat for seat in seats if seat.run_id is None])
    found = {}
    for seat in seats:
        if present.get(seat.user_id) != seat.password or (seat.session_key is not None and seat.session_key not in signed_in):
            found[seat] = NOT_SIGNED_IN
        elif seat.run_id is not None and seat.run_id not in runs:
            found[seat] = NOT_FOUND
        elif seat.run_id is not None and (seat.user_id, runs[seat.run_id]) not in may_see:
            found[seat] = NOT_ALLOWED
    return found


def renew_projects(seats: Collection[Seat]) -> None:
    people = {seat.user_id for seat in seats}
    pairs = access.pairs(people, set(Membership.objects.filter(user__in=people).values_list("project_id", flat=True))) if people else set()
    for seat in seats:
        seat.projects = frozenset(project for user, project in pairs if user == seat.user_id)


guards: list[Guard] = []


def take(seat: Seat) -> None:
    present_guard().seats.add(seat)


def leave(seat: Seat) -> None:
    """The last one to leave ends the guard."""
    for guard in guards:
        guard.seats.discard(seat)
        if not guard.seats:
            guard.task.cancel()


def present_guard() -> Guard:
    """Returns this process's guard; one whose loop has ended, or that was cancelled, makes room for another."""
    if not guards or guards[0].task.done() or guards[0].task.cancelling() or guards[0].task.get_loop() is not asyncio.get_running_loop():
        guards[:] = [Guard()]
    return guards[0]
