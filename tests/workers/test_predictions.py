"""Predictions: asked through Valkey, answered by a warm child that may die or hang without taking the worker along."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db.models.functions import Now

import workers.predictor
from dashboard.fleet.models import Worker
from dashboard.playground import predicting
from dashboard.playground.api_text import spoken
from dashboard.playground.predicting import Cancelled, Unavailable, predict, standing
from dashboard.playground.wire import QUICK, SLOW, lane_key, reply_key, request_key
from dashboard.redis import client
from tests.processes import wait_for
from tests.servers import Server
from workers import predictions
from workers.predictions import Lane
from workers.predictor import Predictor

# Answers with what it was asked, and with its process id; `die` and `hang` do that.
ECHO = """
def main():
    for line in sys.stdin:
        request = json.loads(line)
        if request['text'] == 'die':
            os._exit(1)
        if request['text'] == 'hang':
            time.sleep(60)
        if request['text'] == 'slow':
            time.sleep(0.05)
        if request['text'] == 'say':
            print(json.dumps({'id': request['id'], 'state': 'loading'}), flush=True)
        if request['text'] == 'speak until cancelled':
            print(json.dumps({'id': request['id'], 'state': 'said', 'text': 'Once'}), flush=True)
        if 'until cancelled' in request['text']:
            assert json.loads(sys.stdin.readline()) == {'cancel': request['id']}
        if request['text'] == 'refuse':
            reply = {'error': 'not a picture', 'kind': 'bad_input'}
        else:
            reply = {'class': request['text'], 'latency_ms': os.getpid()}
        print(json.dumps({'id': request['id'], **reply}), flush=True)
if 'serve' in sys.argv:
    main()
"""


@pytest.fixture
def predictor(fake_server: None) -> Iterator[Predictor]:
    found = Predictor()
    yield found
    found.close()


@pytest.fixture
def fake_server(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    (tmp_path / "serve.py").write_text(f"import json, os, sys, time\n{ECHO}")
    monkeypatch.setattr(workers.predictor, "TRAINER", (sys.executable, str(tmp_path / "serve.py")))


@pytest.fixture
def here(db, valkey: Server, settings) -> None:
    """A worker's row, and the files of a model."""
    (settings.RUNS_DIR / "1" / "job-3").mkdir(parents=True)
    Worker.objects.create(name="cpu-1", host="cpu", pid=1, started_at=Now(), last_seen=Now())


@pytest.fixture
def listening(here: None, fake_server: None) -> Iterator[None]:
    """The lanes of a worker, in threads of this process."""
    ended = threading.Event()
    threads = predictions.start(ended)
    yield
    ended.set()
    for thread in threads:
        thread.join()


def question(text: str, folder: str = "1/job-3") -> dict[str, Any]:
    return {"folder": folder, "precision": "fp32", "image_base64": None, "text": text}


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
    monkeypatch.setattr(workers.predictor, "TIME_LIMIT_S", 0.2)
    assert ask(predictor, "hang")["kind"] == "failed"
    monkeypatch.undo()


def test_a_request_is_answered_through_the_server(listening: None) -> None:
    assert predict(question("hello"))["class"] == "hello"
    assert list(client().scan_iter("anneal:asked:request:*")) == []
    assert client().llen(lane_key(QUICK)) == 0


def test_what_the_trainer_refuses_is_a_value_error(listening: None) -> None:
    with pytest.raises(ValueError, match="not a picture"):
        predict(question("refuse"))


def test_a_predictor_that_breaks_off_is_said_and_the_next_question_answered(listening: None) -> None:
    with pytest.raises(Unavailable, match="broke off"):
        predict(question("die"))
    assert predict(question("hello"))["class"] == "hello"


def test_a_model_that_is_not_here_is_said_without_a_path(listening: None) -> None:
    with pytest.raises(Unavailable, match=r"^The files of this model are not on the worker that was asked\.$"):
        predict(question("hello", "2/job-3"))


@pytest.mark.django_db
def test_without_a_worker_nobody_is_kept_waiting(valkey: Server) -> None:
    with pytest.raises(Unavailable, match=r"manage\.py worker"):
        predict(question("hello"))


def test_a_request_that_nobody_answers_is_taken_back(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(predicting.PATIENCE_S, QUICK, 1)
    with pytest.raises(Unavailable, match="within 1 s"):
        predict(question("hello"), "mine")
    assert client().get(request_key("mine")) is None
    assert client().llen(lane_key(QUICK)) == 0


@pytest.mark.django_db
def test_a_server_that_is_away_is_said(here: None, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(Unavailable, match="does not answer"):
        predict(question("hello"))


def test_twenty_people_are_served_in_the_order_in_which_they_came(here: None, fake_server: None) -> None:
    """They ask before anybody listens, so the order is known; each hears its own answer, and none is lost."""
    names = [f"person-{number}" for number in range(20)]
    heard: dict[str, Any] = {}

    def person(name: str) -> None:
        heard[name] = predicting.ask({**question("slow"), "id": name, "mark": name})

    people = []
    for name in names:
        people.append(threading.Thread(target=person, args=(name,)))
        people[-1].start()
        wait_for(lambda name=name: client().lpos(lane_key(QUICK), name) is not None)
    assert standing("person-0") == {"state": "queued", "position": 1}
    assert standing("person-19") == {"state": "queued", "position": 20}
    ended, served = threading.Event(), Served()
    lane = threading.Thread(target=served.serve, args=(ended,))
    lane.start()
    for each in people:
        each.join(30)
    ended.set()
    lane.join()
    assert served.order == names
    assert {name: reply["id"] for name, reply in heard.items()} == {name: name for name in names}


class Served(Lane):
    """A lane that keeps the order in which it takes the questions."""

    def __init__(self) -> None:
        super().__init__(QUICK)
        self.order: list[str] = []

    def answer(self, request: dict[str, Any]) -> None:
        self.order.append(request["id"])
        super().answer(request)


def test_long_work_keeps_no_short_question_waiting(listening: None) -> None:
    request = {**question("until cancelled"), "id": "long"}
    waiting = threading.Thread(target=predicting.ask, args=(request, SLOW))
    waiting.start()
    wait_for(lambda: standing("long", SLOW)["state"] == "working")
    assert predict(question("hello"))["class"] == "hello"
    predicting.cancel("long", SLOW)
    waiting.join()


def test_a_question_that_is_worked_on_can_be_cancelled(listening: None) -> None:
    """Who asked hears of it at once, and the child of the lane goes on with the next."""
    heard: list[Any] = []
    asking = threading.Thread(target=lambda: heard.append(predicting.ask({**question("until cancelled"), "id": "mine"})))
    asking.start()
    wait_for(lambda: standing("mine")["state"] == "working")
    predicting.cancel("mine")
    asking.join()
    with pytest.raises(Cancelled):
        predicting.checked(heard[0])
    assert predict(question("hello"))["class"] == "hello"


def test_a_question_that_waits_can_be_taken_back(here: None) -> None:
    heard: list[Any] = []
    asking = threading.Thread(target=lambda: heard.append(predicting.ask({**question("hello"), "id": "mine"})))
    asking.start()
    wait_for(lambda: standing("mine") == {"state": "queued", "position": 1})
    predicting.cancel("mine")
    asking.join()
    assert heard == [{"cancelled": True}]
    assert client().llen(lane_key(QUICK)) == 0


def test_who_stops_reading_ends_the_generation(listening: None) -> None:
    """The child that speaks is told so, and answers the next prompt."""

    async def read() -> list[Any]:
        lines = spoken({**question("speak until cancelled"), "act": "generate"})
        first = await anext(lines)
        await lines.aclose()  # type: ignore[attr-defined]
        return [first, [line async for line in spoken({**question("refuse"), "act": "generate"})]]

    assert async_to_sync(read)() == [{"text": "Once"}, [{"error": "not a picture"}]]


def test_how_far_a_model_is_goes_before_its_answer(listening: None) -> None:
    assert predict(question("say"))["class"] == "say"
    predicting.send({**question("say"), "id": "mine"}, QUICK)
    wait_for(lambda: client().llen(reply_key("mine")) == 2)
    first, last = (json.loads(str(line)) for line in client().lrange(reply_key("mine"), 0, -1))
    assert first == {"id": "mine", "state": "loading"}
    assert last["class"] == "say"


def test_a_folder_that_is_no_run_is_refused_by_the_real_trainer() -> None:
    real = Predictor()
    try:
        reply = real.ask({"id": "7", "folder": "/nowhere", "precision": "fp32", "image_base64": None, "text": "x"})
        assert reply["id"] == "7"
        assert reply["kind"] in ("bad_input", "failed")
        assert json.dumps(reply)
    finally:
        real.close()
