"""Asks a warm worker, and says how a question stands that is waited for."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from dashboard.fleet.models import Worker
from dashboard.playground.wire import KEPT_S, LANGUAGE, QUICK, SERVED, SLOW, STATE, cancel_key, lane_key, reply_key, request_key, state_key
from dashboard.redis import client, waiting_client

# How long somebody waits for an answer, by lane.
PATIENCE_S = {QUICK: 30, SLOW: 120, LANGUAGE: 120, SERVED: 30}


class Unavailable(Exception):
    """Nobody can answer now; the sentence says why and what to do."""


class Cancelled(Exception):
    """The person who asked does not wait any more."""


def predict(request: dict[str, Any], ticket: str = "", lane: str = QUICK) -> dict[str, Any]:
    """Returns the last reply of `trainer serve`. A request has `folder`, relative to the folder of all runs, and the act's fields.

    `ticket` is the name under which `standing` and `cancel` know the question. Raises Unavailable when no worker listens or none
    answers in time, ValueError for what the trainer refuses, Cancelled.
    """
    require_worker()
    named = {**request, "id": ticket or new_id()}
    try:
        reply = ask(named, lane)
    except (RedisError, OSError) as error:
        raise Unavailable(_("The message server does not answer. Try again in a moment.")) from error
    if reply is None:
        raise Unavailable(
            _("No worker answered within %(seconds)s s. It may be loading a large model: try again.") % {"seconds": PATIENCE_S[lane]}
        )
    return checked(reply)


def require_worker() -> None:
    if not Worker.objects.alive().exists():
        raise Unavailable(_("No worker is listening. Start one with `python manage.py worker`."))


def new_id() -> str:
    return secrets.token_urlsafe(12)


def ask(request: dict[str, Any], lane: str = QUICK) -> dict[str, Any] | None:
    """Returns the last reply, or None when nobody answered in time."""
    return next((reply for reply in replies(request, lane) if STATE not in reply), None)


def replies(request: dict[str, Any], lane: str) -> Iterator[dict[str, Any]]:
    """Yields what comes, the last reply at the end. Where nothing comes in time the request is taken back, so that no worker answers it
    to nobody."""
    request_id = request["id"]
    send(request, lane)
    deadline = time.monotonic() + PATIENCE_S[lane]
    with waiting_client(PATIENCE_S[lane]) as waiting:
        while (left_s := deadline - time.monotonic()) > 0:
            answered = waiting.blpop([reply_key(request_id)], timeout=max(left_s, 0.01))
            if answered:
                reply: dict[str, Any] = json.loads(answered[1])
                yield reply
                if STATE not in reply:
                    return
    take_back(request_id, lane)


def send(request: dict[str, Any], lane: str) -> None:
    """The request first, its place in the lane last: who takes it finds it."""
    with client().pipeline() as pipe:
        pipe.set(request_key(request["id"]), json.dumps(request), ex=KEPT_S)
        pipe.rpush(lane_key(lane), request["id"])
        pipe.execute()


def take_back(request_id: str, lane: str) -> None:
    """One that waits is gone; one that is being worked on ends between two pieces of its work."""
    with client().pipeline() as pipe:
        pipe.delete(request_key(request_id))
        pipe.lrem(lane_key(lane), 1, request_id)
        pipe.set(cancel_key(request_id), 1, ex=KEPT_S)
        pipe.execute()


def cancel(request_id: str, lane: str = QUICK) -> None:
    """Takes a question back; who waits for its answer hears of it at once. Raises Unavailable."""
    try:
        take_back(request_id, lane)
        client().rpush(reply_key(request_id), json.dumps({"cancelled": True}))
        client().expire(reply_key(request_id), KEPT_S)
    except (RedisError, OSError) as error:
        raise Unavailable(_("The message server does not answer. Try again in a moment.")) from error


def standing(request_id: str, lane: str = QUICK) -> dict[str, Any]:
    """Returns `state` and, while it is queued, `position`: how many come before it, itself included. Raises Unavailable."""
    try:
        place = client().lpos(lane_key(lane), request_id)
        state = client().get(state_key(request_id))
    except (RedisError, OSError) as error:
        raise Unavailable(_("The message server does not answer. Try again in a moment.")) from error
    if isinstance(place, int):
        return {"state": "queued", "position": place + 1}
    return {"state": str(state) if state else "unknown", "position": 0}


def checked(reply: dict[str, Any]) -> dict[str, Any]:
    if reply.get("cancelled"):
        raise Cancelled(_("Cancelled."))
    if "error" not in reply:
        return reply
    raise ValueError(reply["error"]) if reply.get("kind") == "bad_input" else Unavailable(reply["error"])
