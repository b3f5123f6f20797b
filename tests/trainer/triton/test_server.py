"""NVIDIA's server itself: it loads what was written, answers as ONNX Runtime does here, forms batches, and refuses what is wrong."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainer.small import picture
from tests.trainer.triton.conftest import Changed
from trainer.predict import predict
from trainer.runtimes import CARD, ModelCard, OnnxRuntime
from trainer.triton.check import CONFIG, Refused
from trainer.triton.client import Answered, Client, Protocol
from trainer.triton.configs import INPUTS, MODEL, PIPELINE
from trainer.triton.repository import write_repository
from trainer.triton.samples import as_bytes
from trainer.triton.server import MEMORY, Server

BOTH: tuple[Protocol, ...] = ("http", "grpc")


@pytest.fixture(scope="module")
def local(export: Path) -> OnnxRuntime:
    return OnnxRuntime(export, "fp32", 1)


def address(server: Server, protocol: Protocol) -> str:
    return server.http if protocol == "http" else server.grpc


def arrays(size: int, length: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "picture": rng.standard_normal((size, 3, 16, 16), np.float32),
        "tokens": rng.integers(0, 2000, (size, length)),
        "mask": np.ones((size, length), np.int64),
    }


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize(("size", "length"), [(1, 12), (5, 7), (16, 3)])
def test_its_answers_are_those_of_onnx_runtime_here(protocol: Protocol, size: int, length: int, server: Server, local: OnnxRuntime) -> None:
    given = arrays(size, length)
    with Client(protocol, address(server, protocol)) as client:
        answer = client.ask(MODEL, client.prepared(given))
    logits = local.logits(given)
    assert np.abs(answer.as_numpy("logits") - logits).max() <= 1e-5
    raised = np.exp(logits - logits.max(1, keepdims=True))
    assert np.abs(answer.as_numpy("probabilities") - raised / raised.sum(1, keepdims=True)).max() <= 1e-5


def kinds_of_pictures() -> Sequence[bytes]:
    """Upright and turned, grey, transparent, of few colours, and large."""
    whole = Image.open(io.BytesIO(picture(4, 40)))
    turned = Image.Exif()
    turned[0x0112] = 6
    made = []
    for image, form, options in (
        (whole, "PNG", {}),
        (whole, "JPEG", {"exif": turned}),
        (whole.convert("L"), "WEBP", {}),
        (whole.convert("LA"), "PNG", {}),
        (whole.convert("P"), "GIF", {}),
        (whole.resize((900, 300)), "JPEG", {}),
    ):
        file = io.BytesIO()
        image.save(file, form, **options)
        made.append(file.getvalue())
    return made


@pytest.mark.parametrize("protocol", BOTH)
def test_bytes_and_a_sentence_get_the_answer_of_a_local_prediction(protocol: Protocol, server: Server, local: OnnxRuntime) -> None:
    sentences = ["good day", "  rain \U0001f327 ", "loud " * 40, "wörd, قطار سريع", "x", "broken train"]
    with Client(protocol, address(server, protocol)) as client:
        for image, text in zip(kinds_of_pictures(), sentences, strict=True):
            answer = client.ask(PIPELINE, client.prepared(as_bytes(local.card, image, text)))
            _, probabilities = predict(local, image, text)
            assert answer.as_numpy("probabilities")[0] == pytest.approx(list(probabilities.values()), abs=1e-5)


def test_the_arrays_inside_are_those_made_here(server: Server, local: OnnxRuntime) -> None:
    from trainer.inputs import checked_arrays

    with Client("http", server.http) as client:
        for image in kinds_of_pictures():
            answer = client.ask(INPUTS, client.prepared(as_bytes(local.card, image, "a good day")))
            for name, array in checked_arrays(local.card, local.tokenizer, image, "a good day").items():
                assert np.array_equal(answer.as_numpy(name), array)


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize(
    ("image", "text", "message"),
    [
        (b"<svg/>", "good", "not a JPEG, PNG, WebP or GIF"),
        (picture(1)[:-30], "good", "damaged or cut short"),
        (b"", "good", "The picture is empty"),
        (picture(1), " ", "the text is empty"),
        (picture(1), "nul\0", "NUL character"),
        (picture(1), "long " * 3000, "at most 10,000 are taken"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    protocol: Protocol, image: bytes, text: str, message: str, server: Server, local: OnnxRuntime
) -> None:
    with Client(protocol, address(server, protocol)) as client, pytest.raises(Answered, match=message):
        client.ask(PIPELINE, client.prepared(as_bytes(local.card, image, text)))


def test_requests_at_the_same_time_are_computed_together(server: Server, local: OnnxRuntime) -> None:
    """Each of many clients gets the answer to its own request."""
    expected = [local.logits(arrays(1, 12, seed)) for seed in range(24)]
    differences: list[float] = []

    def ask(seed: int) -> None:
        with Client("http", server.http) as client:
            inputs = client.prepared(arrays(1, 12, seed))
            answers = [client.ask(MODEL, inputs).as_numpy("logits") for _ in range(20)]
            differences.append(float(np.abs(np.concatenate(answers) - expected[seed]).max()))

    with Client("grpc", server.grpc) as watching:
        before = watching.executions(MODEL)
        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        formed = watching.executions(MODEL) - before
    assert len(differences) == 24
    assert max(differences) <= 1e-5
    assert sum(size * count for size, count in formed.items()) == 24 * 20
    assert any(size > 1 for size in formed)


def test_both_protocols_tell_the_same_statistics(server: Server) -> None:
    with Client("http", server.http) as web, Client("grpc", server.grpc) as remote:
        web.ask(MODEL, web.prepared(arrays(3, 5)))
        assert web.executions(MODEL) == remote.executions(MODEL)
        assert web.executions(MODEL)[3] >= 1


def test_it_listens_on_loopback_alone_and_ends_with_what_it_started(repository: Path, installed: None) -> None:
    from tests.processes import descendants, processes

    with Server(repository) as server:
        assert server.process
        started = {server.process.pid, *descendants(server.process.pid)}
        assert len(started) >= 3
        assert {server.http.partition(":")[0], server.grpc.partition(":")[0]} == {"127.0.0.1"}
        memory = server.memory
    assert not started & processes().keys()
    assert not list(MEMORY.glob(f"{memory}*"))


def test_two_versions_are_served_side_by_side(export: Path, tmp_path: Path, installed: None) -> None:
    for _ in range(3):
        write_repository(export, tmp_path / "models")
    with Server(tmp_path / "models") as server, Client("grpc", server.grpc) as client:
        assert [client.triton.is_model_ready(MODEL, version) for version in ("1", "2", "3")] == [False, True, True]
        given = client.prepared(arrays(2, 12))
        assert client.ask(MODEL, given).get_response().model_version == "3"


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [("max_batch_size", "max_batchsize", 1), ("TYPE_INT64", "TYPE_INT32", 2), ("dims: 16", "dims: 32", 2), ("platform:", "backend:", 3)],
)
def test_a_wrong_configuration_is_refused_at_its_level(old: str, new: str, level: int, changed: Changed, installed: None) -> None:
    with pytest.raises(Refused) as refused, Server(changed(old, new)):
        pass
    assert refused.value.level == level


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_batch_size", "max_batchsize", "failed to poll from model repository .*sentiment_model"),
        ("TYPE_INT64", "TYPE_INT32", "input 'tokens'.*TYPE_INT32"),
        ("dims: 16", "dims: 32", r"input 'picture'.*32, 16"),
        ('name: "logits"', 'name: "scores"', "unexpected output 'scores'"),
    ],
)
def test_the_server_refuses_it_too(
    old: str, new: str, message: str, changed: Changed, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the first two levels the third finds it: what they refuse would not have been served."""
    monkeypatch.setattr("trainer.triton.server.check_repository", lambda _: [MODEL])
    with pytest.raises(Refused, match=message) as refused, Server(changed(old, new)):
        pass
    assert refused.value.level == 3


def test_the_card_inside_is_that_of_the_model(repository: Path, export: Path) -> None:
    card = ModelCard.model_validate_json((export / CARD).read_text())
    inside = json.loads((repository / INPUTS / "1" / "card.json").read_text())
    assert inside == {"names": list(card.names), "image_size": card.image_size}
    assert (repository / INPUTS / CONFIG).is_file()
