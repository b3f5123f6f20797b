"""Asks a warm worker for a prediction, through Valkey: the request lies under a key, a message names it, the reply is a list."""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from dashboard.fleet.models import Worker
from dashboard.redis import client, waiting_client
from dashboard.runs import queue

PATIENCE_S = 30
KEPT_S = 60


class Unavailable(Exception):
    """Nobody can answer now; the sentence says why and what to do."""


def request_key(request_id: str) -> str:
    return f"anneal:prediction:{request_id}"


def reply_key(request_id: str) -> str:
    return f"anneal:prediction:{request_id}:reply"


def predict(folder: str, precision: str, image_base64: str | None, text: str | None) -> dict[str, Any]:
    """Returns the reply of `trainer serve`. `folder` is relative to the folder of all runs.

    Raises Unavailable when no worker listens or none answers in time, ValueError for an input that the trainer refuses.
    """
    if not Worker.objects.alive().exists():
        raise Unavailable(_("No worker is listening. Start one with `python manage.py worker`."))
    request = {"id": secrets.token_urlsafe(12), "folder": folder, "precision": precision, "image_base64": image_base64, "text": text}
    try:
        reply = ask(request)
    except (RedisError, OSError) as error:
        raise Unavailable(_("The message server does not answer. Try again in a moment.")) from error
    if reply is None:
        raise Unavailable(
            _("No worker answered within %(seconds)s s. It may be loading a large model: try again.") % {"seconds": PATIENCE_S}
        )
    return checked(reply)


def ask(request: dict[str, Any]) -> dict[str, Any] | None:
    """Returns None when nobody answered in time; the request is then taken back, so that no worker answers it to nobody."""
    request_id = request["id"]
    client().set(request_key(request_id), json.dumps(request), ex=KEPT_S)
    if not queue.ask(request_id):
        raise RedisError("the message was not taken")
    with waiting_client(PATIENCE_S) as waiting:
        answered = waiting.blpop([reply_key(request_id)], timeout=PATIENCE_S)
    if answered is None:
        client().delete(request_key(request_id))
        return None
    reply: dict[str, Any] = json.loads(answered[1])
    return reply


def checked(reply: dict[str, Any]) -> dict[str, Any]:
    if "error" not in reply:
        return reply
    raise ValueError(reply["error"]) if reply.get("kind") == "bad_input" else Unavailable(reply["error"])
