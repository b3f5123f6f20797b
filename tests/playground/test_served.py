"""A Triton that an administrator named is one more model of the playground, asked by a worker's child; where it is away, it says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dashboard.playground.wire import SERVED
from dashboard.triton_address import checked_address
from tests.pages.working import worker
from tests.servers import Server as Valkey
from tests.servers import server, valkey
from tests.trainer.small import picture
from tests.trainer.triton.conftest import export, installed, repository
from trainer.predict import predict
from trainer.runtimes import OnnxRuntime
from trainer.triton.server import Server
from workers.predictions import Lane

__all__ = ["export", "installed", "repository", "server", "valkey"]
pytestmark = pytest.mark.django_db
LISTED, ASKED, REASONS = (f"/api/v1/playground/{name}" for name in ("served", "predictions", "explanations"))
KEY = "triton.sentiment"


@pytest.fixture
def lane(valkey: Valkey) -> Iterator[Lane]:
    """A worker that serves this lane, with the real child behind it."""
    worker()
    ended = threading.Event()
    found = Lane(SERVED)
    thread = threading.Thread(target=found.serve, args=(ended,))
    thread.start()
    yield found
    ended.set()
    thread.join()


@pytest.fixture(scope="module")
def triton(installed: None, repository: Path) -> Iterator[str]:
    with Server(repository) as found:
        yield f"http://{found.http}"


def ask(client: Client, address: str = ASKED, **changes: Any) -> Any:
    given = {"model": KEY, "text": "a good day", "image": SimpleUploadedFile("a.png", picture(1), "image/png"), **changes}
    return client.post(address, {name: value for name, value in given.items() if value is not None})


def test_it_offers_its_pipeline_and_answers_as_the_export_does(
    alice: Client, lane: Lane, triton: str, export: Path, settings: LazySettings
) -> None:
    settings.TRITON_URL = triton
    assert alice.get(LISTED).json() == {"items": [{"key": KEY, "served": "sentiment", "inputs": "image_and_text"}], "count": 1}
    said = ask(alice).json()
    best, probabilities = predict(OnnxRuntime(export, "fp32", 1), picture(1), "a good day")
    assert said["class"] == best
    assert said["probabilities"] == pytest.approx(probabilities, abs=1e-5)
    assert (said["model"], said["stage"], said["precision"]) == (KEY, None, None)
    assert said["latency_ms"] > 0
    assert said["runtime"].startswith("Triton 2.")


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"image": SimpleUploadedFile("a.png", picture(1)[:-30], "image/png")}, 422, "The picture is damaged"),
        ({"image": SimpleUploadedFile("a.png", b"<svg/>", "image/png")}, 422, "not a JPEG"),
        ({"image": None}, 422, "give one"),
        ({"text": ""}, 422, "sentence"),
        ({"model": "triton.sentiment_inputs"}, 503, "no pipeline sentiment_inputs"),
        ({"model": "triton.nothing"}, 503, "no pipeline nothing"),
    ],
)
def test_what_it_cannot_be_asked_gets_a_sentence(
    alice: Client, lane: Lane, triton: str, settings: LazySettings, changes: dict[str, Any], status: int, word: str
) -> None:
    settings.TRITON_URL = triton
    found = ask(alice, **changes)
    assert (found.status_code, word in found.json()["detail"]) == (status, True), found.json()


def refuses() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_is_down_is_a_sentence_without_its_address(alice: Client, lane: Lane, settings: LazySettings) -> None:
    settings.TRITON_URL = refuses()
    for found in (alice.get(LISTED), ask(alice)):
        assert found.status_code == 503
        assert found.json()["detail"] == "The Triton server does not answer over HTTP: Connection refused"
        assert "127.0.0.1" not in found.content.decode()


def test_a_server_that_is_silent_is_given_up(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer import serve
    from trainer.triton import running

    monkeypatch.setattr(running, "ANSWER_S", 0.2)
    line = f'{{"id": 1, "act": "list_served", "server": "{silent}"}}'
    said = serve.reply(line, lambda _: None, set())
    assert (said["kind"], "does not answer" in said["error"]) == ("failed", True)


def test_without_the_setting_nothing_is_offered_and_nobody_is_asked(alice: Client, run: Any, valkey: Valkey) -> None:
    """No lane is served here: a question would wait for its answer in vain."""
    worker()
    assert alice.get(LISTED).json() == {"items": [], "count": 0}
    assert [ask(alice, address).status_code for address in (ASKED, REASONS)] == [404, 404]
    page = alice.get(f"/playground/?models={KEY}")
    assert page.context["num_missing"] == 1
    assert "Triton" not in page.content.decode().partition('id="playground-data"')[0]


def test_a_link_brings_it_back_beside_the_weights_of_a_run(alice: Client, run: Any, settings: LazySettings) -> None:
    settings.TRITON_URL = "http://127.0.0.1:1"
    page = alice.get(f"/playground/?models={KEY},{run.pk}.3.fp32")
    assert [model["key"] for model in page.context["models"]] == [KEY, f"{run.pk}.3.fp32"]
    assert '<option value="triton">' in page.content.decode()
    assert "127.0.0.1:1" not in page.content.decode()


def test_it_gives_no_reasons(alice: Client, run: Any, settings: LazySettings) -> None:
    settings.TRITON_URL = "http://127.0.0.1:1"
    found = ask(alice, REASONS)
    assert (found.status_code, found.json()["detail"]) == (422, "A Triton server gives answers alone.")


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:1", "triton.http://x", "triton.../x", "triton...", "triton.", "triton.a/b", "triton." + "a" * 65]
)
def test_nobody_names_an_address_or_a_path(alice: Client, valkey: Valkey, settings: LazySettings, name: str) -> None:
    settings.TRITON_URL = "http://127.0.0.1:1"
    assert ask(alice, model=name).status_code == 422


def test_a_stranger_sees_nothing(client: Client, settings: LazySettings) -> None:
    settings.TRITON_URL = "http://127.0.0.1:1"
    assert [client.get(LISTED).status_code, ask(client).status_code] == [401, 401]


@pytest.mark.parametrize("given", ["", "http://triton:8001", "https://triton.example.org:443/", "http://[::1]:8001"])
def test_an_address_of_scheme_host_and_port_is_taken(given: str) -> None:
    assert checked_address(given) == given.removesuffix("/")


@pytest.mark.parametrize(
    "given",
    [
        "triton:8001",
        "grpc://triton:8001",
        "http://triton",
        "http://:80",
        "http://a:b@triton:80",
        "http://triton:80/v2",
        "http://triton:99999",
        "http://t:80?x",
    ],
)
def test_any_other_address_ends_the_start_with_a_sentence(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"ANNEAL_TRITON_URL: http://HOST:PORT"):
        checked_address(given)
