"""Answers predictions with one warm `trainer serve`, started at the first request and again whenever it dies."""

from __future__ import annotations

import json
import logging
import select
import subprocess
import threading
from typing import IO, Any

from django.conf import settings

from dashboard.playground.predicting import KEPT_S, PATIENCE_S, reply_key, request_key
from dashboard.redis import client
from workers.process import TRAINER, environment

log = logging.getLogger(__name__)

# Nobody waits longer than this, so a predictor that takes longer hangs, or is too slow to be of use.
TIME_LIMIT_S = float(PATIENCE_S)


class Predictor:
    """A child that answers one line with one line. It ends when its standard input closes, so it dies with this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.child: subprocess.Popen[str] | None = None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """A child that dies or hangs is replaced at the next request."""
        line = self.exchange(json.dumps(request))
        if line:
            reply: dict[str, Any] = json.loads(line)
            return reply
        self.close()
        return {
            "id": request["id"],
            "error": "The predictor broke off while it worked on this; the worker's log says why.",
            "kind": "failed",
        }

    def exchange(self, line: str) -> str:
        """Returns the line that answers, or "" when the child died or took too long."""
        given, taken = self.pipes()
        try:
            given.write(line + "\n")
            given.flush()
            ready, _, _ = select.select([taken], [], [], TIME_LIMIT_S)
            return taken.readline() if ready else ""
        except OSError:
            return ""

    def pipes(self) -> tuple[IO[str], IO[str]]:
        if self.child is None or self.child.poll() is not None:
            self.close()
            self.child = start()
        given, taken = self.child.stdin, self.child.stdout
        assert given and taken
        return given, taken

    def close(self) -> None:
        if self.child is None:
            return
        self.child.kill()
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            close_quietly(pipe)
        self.child = None


def start() -> subprocess.Popen[str]:
    log.info("starting the predictor")
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*TRAINER, "serve"], stdin=pipe, stdout=pipe, text=True, env=environment(), cwd=settings.BASE_DIR, start_new_session=True
    )


def close_quietly(pipe: IO[str] | None) -> None:
    """What was not written yet goes nowhere: the reader is dead."""
    try:
        if pipe:
            pipe.close()
    except OSError:
        pass


predictor = Predictor()


def answer(request_id: str) -> None:
    """Takes the request from Valkey and puts the reply there; a request nobody waits for any more is gone."""
    with predictor.lock:
        stored = client().getdel(request_key(request_id))
        if stored is None:
            return
        request = json.loads(str(stored))
        folder = settings.RUNS_DIR / request["folder"]
        reply = predictor.ask({**request, "folder": str(folder)}) if folder.is_dir() else gone(request_id)
    with client().pipeline() as pipe:
        pipe.rpush(reply_key(request_id), json.dumps(reply))
        pipe.expire(reply_key(request_id), KEPT_S)
        pipe.execute()


def gone(request_id: str) -> dict[str, str]:
    """Says so without naming a path of this machine."""
    return {"id": request_id, "error": "The files of this model are not on the worker that was asked.", "kind": "failed"}


def close() -> None:
    """Waits for the answer that is being worked on."""
    with predictor.lock:
        predictor.close()
