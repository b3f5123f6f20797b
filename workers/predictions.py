"""Answers what people ask at the playground: a thread and a warm child per lane, in the order in which the questions came."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

import redis
from django.conf import settings
from redis.exceptions import RedisError

from dashboard.playground.wire import (
    KEPT_S,
    LANES,
    LIST_SERVED,
    LOADING,
    PREDICT_SERVED,
    QUICK,
    STATE,
    WORKING,
    cancel_key,
    lane_key,
    reply_key,
    request_key,
    state_key,
)
from dashboard.redis import client, waiting_client
from workers.predictor import Predictor

log = logging.getLogger(__name__)

LISTEN_S = 1
# What is not asked at once gives its memory back after a while.
IDLE_S = 600.0


class Lane:
    """A list of questions and the child that answers them."""

    def __init__(self, name: str) -> None:
        self.name, self.predictor = name, Predictor(is_gentle=name != QUICK)
        self.asked_at = time.monotonic()

    def serve(self, ended: threading.Event) -> None:
        """Answers until the worker shuts down. A server that is away is asked again a moment later."""
        while not ended.is_set():
            try:
                self.listen(ended)
            except (RedisError, OSError) as error:
                log.warning("the message server does not answer: %s", error)
                ended.wait(LISTEN_S)
        self.predictor.close()

    def listen(self, ended: threading.Event) -> None:
        with waiting_client(LISTEN_S) as waiting:
            while not ended.is_set():
                if request := self.next(waiting):
                    self.answer(request)
                self.rest()

    def next(self, waiting: redis.Redis) -> dict[str, Any] | None:
        """Waits a moment for a question; None without one, or where nobody waits for its answer any more."""
        found = waiting.blpop([lane_key(self.name)], timeout=LISTEN_S)
        stored = client().getdel(request_key(str(found[1]))) if found else None
        return json.loads(str(stored)) if stored else None

    def answer(self, request: dict[str, Any]) -> None:
        self.asked_at = time.monotonic()
        request_id = str(request["id"])
        if "folder" in request:
            folder = settings.RUNS_DIR / request["folder"]
            if not folder.is_dir():
                tell(request_id, gone(request_id))
                return
            request["folder"] = str(folder)
        if request.get("act") in (LIST_SERVED, PREDICT_SERVED):
            if not settings.TRITON_URL:
                tell(request_id, unknown_server(request_id))
                return
            request["server"] = settings.TRITON_URL
        note(request_id, WORKING)
        is_cancelled = False
        for reply in self.predictor.replies(request):
            if reply.get(STATE) != "":
                note(request_id, reply.get(STATE) if reply.get(STATE) == LOADING else WORKING)
                tell(request_id, reply)
            if not is_cancelled and client().exists(cancel_key(request_id)):
                is_cancelled = True
                self.predictor.cancel(request_id)

    def rest(self) -> None:
        if self.name != QUICK and self.predictor.is_warm and time.monotonic() - self.asked_at > IDLE_S:
            log.info("the predictor of the lane %s ends: nobody asked it for a while", self.name)
            self.predictor.close()


def tell(request_id: str, reply: dict[str, Any]) -> None:
    with client().pipeline() as pipe:
        pipe.rpush(reply_key(request_id), json.dumps(reply))
        pipe.expire(reply_key(request_id), KEPT_S)
        pipe.execute()


def note(request_id: str, state: str | None) -> None:
    client().set(state_key(request_id), state or WORKING, ex=KEPT_S)


def gone(request_id: str) -> dict[str, str]:
    """Says so without naming a path of this machine."""
    return {"id": request_id, "error": "The files of this model are not on the worker that was asked.", "kind": "failed"}


def unknown_server(request_id: str) -> dict[str, str]:
    return {"id": request_id, "error": "The worker that was asked knows no Triton: start it with ANNEAL_TRITON_URL.", "kind": "failed"}


def start(ended: threading.Event) -> list[threading.Thread]:
    """One thread per lane, so that hours of training never keep a question waiting, nor long work a short one."""
    threads = [threading.Thread(target=Lane(name).serve, args=(ended,), name=f"lane {name}") for name in LANES]
    for thread in threads:
        thread.start()
    return threads
