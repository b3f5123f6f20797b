"""What people keep: their own answers, their word on an answer, the probe set; small copies of pictures, and nothing for strangers."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from dashboard.playground import api_kept, right_answers
from dashboard.playground.models import Judgement, Kept, Probe, Score
from dashboard.runs.models import Run, Stage
from tests.cast import Cast
from tests.playground.conftest import Ignorant
from tests.playground.hostile import PICTURE, encode, everything, exif, turned_back
from tests.playground.test_batches import lines_of
from trainer import catalog
from trainer.data.reading import open_dataset

pytestmark = pytest.mark.django_db
HOME = "/api/v1/playground"
BACKEND = "django.contrib.auth.backends.ModelBackend"
ANSWERS = json.dumps([{"key": "1.3.fp32", "title": "Stage 3", "class": "positive", "probability": 0.9}])


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def upload(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("holiday.jpg", data, "image/jpeg")


def keep(client: Client, **changes: Any) -> Any:
    return client.post(f"{HOME}/kept", {"text": "Well said.", "answers": ANSWERS, "image": upload(encode("PNG")), **changes})


def judge(client: Client, run: Run, **changes: Any) -> Any:
    form = {"model": run.pk, "stage": 3, "text": "Well said.", "said": "positive", "label": "negative", "image": upload(encode("PNG"))}
    return client.post(f"{HOME}/judgements", {**form, **changes})


def add_probe(client: Client, run: Run, **changes: Any) -> Any:
    return client.post(f"{HOME}/probes", {"run": run.pk, "text": "Well said.", "image": upload(encode("PNG")), **changes})


# --- answers of one's own ----------------------------------------------------------------------------------------------------


def test_nothing_is_kept_unless_a_person_asks_for_it(alice: Client, run: Run, model: Ignorant) -> None:
    alice.post(f"{HOME}/predictions", {"model": run.pk, "text": "Well said.", "image": upload(encode("PNG"))})
    assert not Kept.objects.exists()
    assert not Judgement.objects.exists()


def test_what_is_kept_is_its_owners_alone_and_can_be_deleted(cast: Cast, alice: Client, model: Ignorant) -> None:
    kept = keep(alice)
    assert kept.status_code == 201
    (row,) = alice.get(f"{HOME}/kept").json()
    assert (row["text"], row["has_picture"], row["answers"][0]["class"]) == ("Well said.", True, "positive")
    erin = signed_in(cast.erin)
    assert erin.get(f"{HOME}/kept").json() == []
    assert erin.get(f"{HOME}/kept/{row['id']}/picture").status_code == 404
    assert erin.delete(f"{HOME}/kept/{row['id']}").status_code == 404
    assert alice.delete(f"{HOME}/kept/{row['id']}").status_code == 204
    assert not Kept.objects.exists()


def test_a_picture_is_kept_small_upright_and_without_what_its_file_said(alice: Client, model: Ignorant) -> None:
    large = turned_back(6).resize((900, 600))
    told = exif(6)
    told[0x010F] = "A camera with a name"
    row = keep(alice, image=upload(encode("JPEG", large, exif=told, quality=95))).json()
    answer = alice.get(f"{HOME}/kept/{row['id']}/picture")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"camera" not in answer.content
    with Image.open(io.BytesIO(answer.content)) as found:
        assert max(found.size) == api_kept.SMALL
        # Stored on its side: upright it is taller than wide.
        assert found.height > found.width
        assert not found.getexif()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Image appears to be a malformed MPO")
def test_hostile_pictures_are_kept_as_our_own_copy_or_refused(alice: Client, model: Ignorant) -> None:
    wrong = {}
    for entry in everything():
        answer = keep(alice, image=upload(entry.data))
        if answer.status_code != {200: 201}.get(entry.status, entry.status):
            wrong[entry.name] = answer.status_code
    assert wrong == {}
    for row in Kept.objects.all():
        assert bytes(row.picture).startswith(b"\xff\xd8\xff")
        assert b"script" not in bytes(row.picture)


def test_the_oldest_go(alice: Client, model: Ignorant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_kept, "MAX_KEPT", 2)
    for number in range(3):
        keep(alice, text=f"number {number}")
    assert [row["text"] for row in alice.get(f"{HOME}/kept").json()] == ["number 2", "number 1"]


@pytest.mark.parametrize("answers", ["", "[", "{}", '[{"class": "x"}]', json.dumps([{"key": "k", "class": "x", "probability": 2}])])
def test_answers_that_are_none_are_refused(answers: str, alice: Client, model: Ignorant) -> None:
    assert keep(alice, answers=answers).status_code == 422
    assert not Kept.objects.exists()


# --- right and wrong ---------------------------------------------------------------------------------------------------------


def test_editors_judge_and_viewers_and_strangers_do_not(cast: Cast, run: Run, model: Ignorant) -> None:
    statuses = [judge(signed_in(user), run).status_code for user in (cast.alice, cast.erin, cast.bob, cast.charlie)]
    assert statuses == [201, 201, 403, 404]


def test_a_class_that_the_model_does_not_know_is_refused(alice: Client, run: Run, model: Ignorant) -> None:
    refused = judge(alice, run, label="<script>")
    assert refused.status_code == 422
    assert "negative" in refused.json()["detail"]
    assert judge(alice, run, text="a\0b").status_code == 422


def test_judgements_become_a_data_set_that_the_trainer_reads(cast: Cast, alice: Client, run: Run, model: Ignorant) -> None:
    address, body = f"{HOME}/datasets", json.dumps({"project": cast.project.slug})
    assert alice.post(address, body, content_type="application/json").status_code == 422
    for number in range(40):
        judge(alice, run, text=f"Sentence {number}", label=("negative", "neutral", "positive")[number % 3])
    judge(alice, run, text="Sentence 7", label="positive")
    made = alice.post(address, body, content_type="application/json")
    assert made.status_code == 201
    assert made.json() == {"name": "judged-sentiment", "num_samples": 40}
    card = catalog.find("judged-sentiment", [settings.DATASETS_DIR])
    assert card.classes == ("negative", "neutral", "positive")
    assert sum(card.num_samples.values()) == 40
    rows = [open_dataset(card.name, split, [settings.DATASETS_DIR]) for split in ("train", "validation", "test")]
    labels = {text: split.labels[place] for split in rows for place, text in enumerate(split.texts or ())}
    assert labels["Sentence 7"] == 2
    with Image.open(io.BytesIO(rows[0].image(0))) as found:
        assert found.size == PICTURE.size
    assert card.title in alice.get("/datasets/").content.decode()
    assert signed_in(cast.bob).post(address, body, content_type="application/json").status_code == 403


def test_an_input_stays_in_its_split_however_many_come(cast: Cast, run: Run) -> None:
    row = Judgement(project=cast.project, text="Sentence", picture=b"")
    before = right_answers.split_of(row)
    row.label, row.pk = "another", 99
    assert right_answers.split_of(row) == before


# --- the probe set -----------------------------------------------------------------------------------------------------------


def test_editors_add_probes_and_members_see_them(cast: Cast, run: Run, model: Ignorant) -> None:
    assert [add_probe(signed_in(user), run).status_code for user in (cast.erin, cast.bob, cast.charlie)] == [201, 403, 404]
    bob, charlie = signed_in(cast.bob), signed_in(cast.charlie)
    found = bob.get(f"{HOME}/probes?run={run.pk}").json()
    assert found["count"] == 1
    assert [stage["is_askable"] for stage in found["stages"]] == [False, False, True]
    address = f"{HOME}/probes/{found['items'][0]['id']}"
    assert bob.get(f"{address}/picture").status_code == 200
    assert charlie.get(f"{address}/picture").status_code == 404
    assert [client.delete(address).status_code for client in (charlie, bob, signed_in(cast.erin))] == [404, 404, 204]


def test_a_probe_set_is_full_at_its_limit(alice: Client, run: Run, model: Ignorant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_kept, "MAX_PROBES", 1)
    assert add_probe(alice, run).status_code == 201
    assert "at most" in add_probe(alice, run).json()["detail"]
    Probe.objects.all().delete()
    assert alice.post(f"{HOME}/probes", {"run": run.pk, "text": " "}).status_code == 422


def test_probes_are_scored_once_at_each_checkpoint(alice: Client, run: Run, model: Ignorant) -> None:
    add_probe(alice, run)
    address, form = f"{HOME}/scores", {"run": run.pk}
    assert alice.get(f"{HOME}/probes?run={run.pk}").json()["num_unscored"] == 1
    assert lines_of(alice.post(address, form)) == [{"stage": 3, "step": 40, "done": 1, "count": 1}]
    assert lines_of(alice.post(address, form)) == []
    (score,) = alice.get(f"{HOME}/probes?run={run.pk}").json()["items"][0]["scores"]
    assert (score["stage"], score["step"]) == (3, 40)
    assert sum(score["probabilities"].values()) == pytest.approx(1)
    assert Score.objects.get().stage_id == Stage.objects.get(run=run, index=3).pk


def test_an_input_is_asked_of_every_checkpoint(alice: Client, run: Run, model: Ignorant) -> None:
    form = {"run": run.pk, "text": "Well said.", "image": upload(encode("PNG"))}
    head, line = lines_of(alice.post(f"{HOME}/changes", form))
    assert (head["count"], len(head["stages"])) == (1, 3)
    assert (line["stage"], line["step"]) == (3, 40)
    assert max(line["probabilities"], key=line["probabilities"].get) == "positive"
    assert alice.post(f"{HOME}/changes", {"run": run.pk, "text": "Well said."}).status_code == 422
