"""A request to stop ends work that keeps nothing, whatever the libraries below it catch."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest

from trainer import stopping
from trainer.stopping import Stopped, stopping_at_once

PATIENCE_S = 10


def ask() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)


def swallow_one_and_go_on() -> None:
    with contextlib.suppress(BaseException):
        ask()
    time.sleep(PATIENCE_S)


def test_it_ends_where_it_stands_and_the_signals_are_whose_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped), stopping_at_once(lambda: False):
        ask()
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_one_that_a_library_swallows_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "AGAIN_S", 0.05)
    with pytest.raises(Stopped), stopping_at_once(lambda: False):
        swallow_one_and_go_on()


def test_what_was_asked_before_does_not_begin() -> None:
    with pytest.raises(Stopped), stopping_at_once(lambda: True):
        pytest.fail("it began")
