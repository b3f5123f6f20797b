"""Predictions: asked through Valkey, answered by a warm child that may die or hang without taking the worker along."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.playground import predicting
from dashboard.playground.predicting import Unavailable, predict, request_key
from dashboard.redis import client
from dashboard.runs import queue
from tests.servers import Server
from workers import predictions
from workers.predictions import Predictor

# Answers with what it was asked, and with its process id; `die` and `hang` do that.
ECHO = """
def main():
    for line in sys.stdin:
        request = json.loads(line)
        if request['text'] == 'die':
            os._exit(1)
        if request['text'] == 'hang':
            time.sleep(60)
        if request['text'] == 'refuse':
            reply = {'error': 'not a picture', 'kind': 'bad_input'}
        else:
            reply = {'class': request['text'], 'latency_ms': os.getpid()}
        print(json.dumps({'id': request['id'], **reply}), flush=True)
if 'serve' in sys.argv:
    main()
"""
Replace = Callable[[str], None]


@pytest.fixture
def predictor(fake_server: None) -> Iterator[Predictor]:
    found = Predictor()
    yield found
    found.close()


@pytest.fixture
def fake_server(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    (tmp_path / "serve.py").write_text(f"import json, os, sys, time\n{ECHO}")
    monkeypatch.setattr(predictions, "TRAINER", (sys.executable, str(tmp_path / "serve.py")))


@pytest.fixture
def listening(db, valkey: Server, fake_server: None, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker that hears at once: its task runs in a thread of this process instead of Celery's."""
    (settings.RUNS_DIR / "1" / "job-3").mkdir(parents=True)
    Worker.objects.create(name="cpu-1", host="cpu", pid=1, started_at=Now(), last_seen=Now())

    def hear(request_id: str) -> bool:
        threading.Thread(target=predictions.answer, args=(request_id,)).start()
        return True

    monkeypatch.setattr(queue, "ask", hear)
    yield
    predictions.close()


def ask(predictor: Predictor, text: str) -> dict[str, object]:
    return predictor.ask({"id": "1", "folder": "x", "text": text})


def test_one_warm_child_answers_all(predictor: Predictor) -> None:
    first, second = ask(predictor, "a"), ask(predictor, "b")
    assert (first["class"], second["class"]) == ("a", "b")
    assert first["latency_ms"] == second["latency_ms"]


def test_a_child_that_dies_is_replaced_at_the_next_request(predictor: Predictor) -> None:
    before = ask(predictor, "a")["latency_ms"]
    assert ask(predictor, "die")["kind"] == "failed"
    after = ask(predictor, "a")
    assert after["class"] == "a"
    assert after["latency_ms"] != before


def test_a_child_that_hangs_is_ended(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(predictor, "a")
    monkeypatch.setattr(predictions, "TIME_LIMIT_S", 0.2)
    assert ask(predictor, "hang")["kind"] == "failed"
    monkeypatch.undo()


def test_a_request_is_answered_through_the_server(listening: None) -> None:
    assert predict("1/job-3", "fp32", None, "hello")["class"] == "hello"
    assert [key for key in client().scan_iter("anneal:prediction:*") if not str(key).endswith(":reply")] == []


def test_what_the_trainer_refuses_is_a_value_error(listening: None) -> None:
    with pytest.raises(ValueError, match="not a picture"):
        predict("1/job-3", "fp32", None, "refuse")


def test_a_predictor_that_breaks_off_is_said(listening: None) -> None:
    with pytest.raises(Unavailable, match="broke off"):
        predict("1/job-3", "fp32", None, "die")


def test_a_model_that_is_not_here_is_said_without_a_path(listening: None) -> None:
    with pytest.raises(Unavailable, match=r"^The files of this model are not on the worker that was asked\.$"):
        predict("2/job-3", "fp32", None, "hello")


@pytest.mark.django_db
def test_without_a_worker_nobody_is_kept_waiting(valkey: Server) -> None:
    with pytest.raises(Unavailable, match=r"manage\.py worker"):
        predict("1/job-3", "fp32", None, "hello")


def test_a_request_that_nobody_answers_is_taken_back(listening: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "PATIENCE_S", 1)
    asked: list[str] = []
    monkeypatch.setattr(queue, "ask", lambda request_id: asked.append(request_id) or True)
    with pytest.raises(Unavailable, match="within 1 s"):
        predict("1/job-3", "fp32", None, "hello")
    assert client().get(request_key(asked[0])) is None
    predictions.answer(asked[0])


@pytest.mark.django_db
def test_a_server_that_is_away_is_said(listening: None, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(Unavailable, match="does not answer"):
        predict("1/job-3", "fp32", None, "hello")


def test_a_folder_that_is_no_run_is_refused_by_the_real_trainer() -> None:
    real = Predictor()
    try:
        reply = real.ask({"id": "7", "folder": "/nowhere", "precision": "fp32", "image_base64": None, "text": "x"})
        assert reply["id"] == "7"
        assert reply["kind"] in ("bad_input", "failed")
        assert json.dumps(reply)
    finally:
        real.close()
