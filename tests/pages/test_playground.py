"""The playground: what is handed in is judged before anything is asked; who may not see a run may not ask it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from dashboard.playground import predicting
from dashboard.playground.examples import EXAMPLES
from dashboard.playground.wire import QUICK
from dashboard.runs.models import Attempt, Quantization, Run, Stage, Status
from tests.cast import Cast
from tests.servers import Server, server, valkey
from trainer.data.reading import open_dataset

__all__ = ["server", "valkey"]
pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/playground/predictions"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def run(cast: Cast) -> Run:
    """Finished, with FP32 and INT8 weights on record."""
    run = cast.submit()
    for stage in run.stages:
        Stage.objects.filter(pk=stage.pk).update(
            status=Status.COMPLETED, last_step=40, checkpoint=f"{run.pk}/job-{stage.index}/attempt-1/checkpoints/40"
        )
    files = {name: f"{run.pk}/job-4/attempt-1/export/{name}.onnx" for name in ("fp32", "int8")}
    Quantization.objects.filter(run=run).update(status=Status.COMPLETED, files=files)
    return run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What reaches the worker's door; behind it a model would answer."""
    calls: list[tuple[Any, ...]] = []

    def predict(request: dict[str, Any], ticket: str, lane: str) -> dict[str, Any]:
        calls.append((request["folder"], request["precision"], request["text"]))
        return {"id": "1", "class": "positive", "probabilities": {"negative": 0.1, "positive": 0.9}, "latency_ms": 4.2}

    monkeypatch.setattr(predicting, "predict", predict)
    return calls


def picture(width: int = 32, height: int = 32) -> SimpleUploadedFile:
    written = io.BytesIO()
    Image.new("1", (width, height)).save(written, "PNG")
    return SimpleUploadedFile("picture.png", written.getvalue(), "image/png")


def test_fp32_asks_the_last_stage_and_int8_the_export(alice: Client, run: Run, asked: list[tuple[Any, ...]]) -> None:
    for precision in ("fp32", "int8"):
        answer = alice.post(ADDRESS, {"model": run.pk, "text": " Well said. ", "precision": precision, "image": picture()})
        assert answer.status_code == 200
        assert answer.json()["class"] == "positive"
        assert answer.json()["precision"] == precision
    folders = (f"{run.pk}/job-3/attempt-1/checkpoints/40", f"{run.pk}/job-4/attempt-1/export")
    assert asked == [(folders[0], "fp32", "Well said."), (folders[1], "int8", "Well said.")]


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"image": SimpleUploadedFile("a.png", b"<svg onload=alert(1)>", "image/png")}, 422, "not a JPEG"),
        ({"image": SimpleUploadedFile("a.png", b"", "image/png")}, 422, "picture"),
        ({"image": None}, 422, "give one"),
        ({"text": "a" * 100_000}, 413, "characters"),
        ({"text": "  "}, 422, "sentence"),
        ({"text": "a\x00b"}, 422, "NUL"),
        ({"precision": "int4"}, 422, "not well-formed"),
        ({"model": "999999"}, 404, "No such run"),
        ({"model": "first"}, 422, "not well-formed"),
    ],
)
def test_bad_input_gets_a_sentence_and_nobody_is_asked(
    alice: Client, run: Run, asked: list[tuple[Any, ...]], changes: dict[str, Any], status: int, word: str
) -> None:
    form = {"model": run.pk, "text": "Well said.", "image": picture(), **changes}
    answer = alice.post(ADDRESS, {name: value for name, value in form.items() if value is not None})
    assert answer.status_code == status
    assert word in answer.json()["detail"]
    assert asked == []


def test_an_earlier_stage_that_learnt_sentiment_can_be_asked_by_its_checkpoints(
    alice: Client, run: Run, asked: list[tuple[Any, ...]], settings
) -> None:
    """The tiny recipe learns it in the last two stages; of one of them an earlier checkpoint lies on disk too."""
    for stage in run.stages:
        Attempt.objects.create(job=stage, number=1, lease_until=timezone.now(), started_at=timezone.now())
    (settings.RUNS_DIR / f"{run.pk}" / "job-3" / "attempt-1" / "checkpoints" / "stage-3-step-000020").mkdir(parents=True)
    keys = [each["key"] for each in alice.get(f"/api/v1/playground/models?run={run.pk}").json()["items"]]
    assert keys == [f"{run.pk}.3@20.fp32", f"{run.pk}.3.fp32", f"{run.pk}.3.int8"]
    answer = alice.post(ADDRESS, {"model": run.pk, "stage": 3, "step": 20, "text": "Well said.", "image": picture()}).json()
    assert (answer["stage"], answer["step"], answer["precision"]) == (3, 20, "fp32")
    assert asked[0][0] == f"{run.pk}/job-3/attempt-1/checkpoints/stage-3-step-000020"
    refused = alice.post(ADDRESS, {"model": run.pk, "stage": 3, "step": 30, "text": "Well said.", "image": picture()})
    assert (refused.status_code, "no checkpoint" in refused.json()["detail"]) == (422, True)
    assert alice.post(ADDRESS, {"model": run.pk, "stage": 1, "text": "Well said.", "image": picture()}).status_code == 422


def test_a_link_brings_the_models_back_in_their_order(alice: Client, run: Run) -> None:
    keys = [f"{run.pk}.3.int8", f"{run.pk}.3.fp32"]
    models = alice.get(f"/playground/?models={','.join(keys)}").context["models"]
    assert [model["key"] for model in models] == keys
    answer = alice.get(f"/playground/?models={keys[1]},{run.pk}.9.fp32,99.1.fp32,nonsense")
    assert [model["key"] for model in answer.context["models"]] == [keys[1]]
    assert "3 models of this link" in answer.content.decode()


def test_a_link_brings_a_sample_of_a_data_set_along(alice: Client, run: Run) -> None:
    found = alice.get(f"/playground/?run={run.pk}&sample=composed-pairs/test/3").context["data"]["sample"]
    rows = open_dataset("composed-pairs", "test")
    assert rows.texts is not None
    assert found == {"picture": "/datasets/composed-pairs/test/3/picture/", "text": rows.texts[3]}


@pytest.mark.parametrize(
    "name", ["composed-pairs/test/466", "composed-pairs/test/-1", "composed-pairs/../3", "nowhere/test/3", "equations", "//", "%00/test/1"]
)
def test_a_link_with_no_sample_brings_none(alice: Client, run: Run, name: str) -> None:
    assert alice.get(f"/playground/?run={run.pk}&sample={name}").context["data"]["sample"] is None


def test_a_link_shows_a_stranger_nothing_of_its_models(client: Client, cast: Cast, run: Run) -> None:
    client.force_login(cast.charlie, backend=BACKEND)
    answer = client.get(f"/playground/?models={run.pk}.3.fp32")
    assert run.name not in answer.content.decode()
    assert answer.context["models"] == []


def test_a_ticket_is_another_question_for_another_person(cast: Cast, alice: Client, run: Run, valkey: Server) -> None:
    predicting.send({"id": f"{cast.alice.pk}-my-ticket", "folder": "x"}, QUICK)
    bob = Client()
    bob.force_login(cast.bob, backend=BACKEND)
    place = "/api/v1/playground/requests/my-ticket"
    assert bob.delete(place).status_code == 204
    assert bob.get(place).json() == {"state": "unknown", "position": 0}
    assert alice.get(place).json() == {"state": "queued", "position": 1}
    assert alice.delete(place).status_code == 204
    assert alice.get(place).json()["state"] == "unknown"


def test_fifty_megapixels_are_refused_before_they_are_decoded(alice: Client, run: Run, asked: list[tuple[Any, ...]]) -> None:
    answer = alice.post(ADDRESS, {"model": run.pk, "text": "Well said.", "image": picture(10_000, 5_000)})
    assert answer.status_code == 413
    assert "megapixels" in answer.json()["detail"]
    assert asked == []


def test_without_a_worker_the_answer_says_what_to_do(alice: Client, run: Run) -> None:
    answer = alice.post(ADDRESS, {"model": run.pk, "text": "Well said.", "image": picture()})
    assert answer.status_code == 503
    assert "manage.py worker" in answer.json()["detail"]


def test_a_run_that_has_not_finished_cannot_be_asked(alice: Client, cast: Cast, asked: list[tuple[Any, ...]]) -> None:
    run = cast.submit("early-heron")
    answer = alice.post(ADDRESS, {"model": run.pk, "text": "Well said.", "image": picture()})
    assert answer.status_code == 422
    assert "early-heron" in answer.json()["detail"]
    assert asked == []


def test_int8_is_offered_only_where_it_was_made(alice: Client, run: Run, asked: list[tuple[Any, ...]]) -> None:
    Quantization.objects.filter(run=run).update(files={})
    assert '"precision": "int8"' not in alice.get("/playground/").content.decode()
    answer = alice.post(ADDRESS, {"model": run.pk, "text": "Well said.", "precision": "int8", "image": picture()})
    assert answer.status_code == 422
    assert asked == []


def test_strangers_neither_see_nor_ask_the_run_and_viewers_may(client: Client, cast: Cast, run: Run, asked: list[tuple[Any, ...]]) -> None:
    form = {"model": run.pk, "text": "Well said."}
    client.force_login(cast.charlie, backend=BACKEND)
    assert run.name not in client.get("/playground/").content.decode()
    assert client.post(ADDRESS, {**form, "image": picture()}).status_code == 404
    client.force_login(cast.bob, backend=BACKEND)
    assert run.name in client.get("/playground/").content.decode()
    assert client.post(ADDRESS, {**form, "image": picture()}).status_code == 200


def test_every_example_has_its_picture() -> None:
    folder = Path(settings.BASE_DIR) / "dashboard" / "static" / "examples"
    assert (folder / "CREDITS.txt").is_file()
    for example in EXAMPLES:
        with Image.open(folder.parent / example.picture) as found:
            assert found.format == "JPEG"
