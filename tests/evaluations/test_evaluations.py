"""Evaluations of a run: what can be asked about, what the tab shows of the figures and of single samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from django.utils.html import escape

from dashboard.evaluations.samples import PAGE
from dashboard.runs.models import Attempt, Evaluation, Run
from tests.cast import Cast
from tests.pages.working import claim
from tests.runs.finished import finish_stages, tiny
from trainer.data.reading import open_dataset
from trainer.evaluation import predictions, saving
from trainer.evaluation.bootstrap import Bootstrap
from trainer.evaluation.classification import figures
from trainer.evaluation.facts import facts_of
from trainer.evaluation.predictions import Predictions
from workers import facts

pytestmark = pytest.mark.django_db
NUM = 60


@pytest.fixture
def run(cast: Cast) -> Run:
    return finish_stages(cast.submit("steady-kestrel", tiny(evaluate=True)))


@pytest.fixture
def evaluated(run: Run) -> Evaluation:
    """As a worker leaves it: the predictions are made up, the figures are made of them, and the samples are real ones."""
    lease = claim()
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    attempt.folder.mkdir(parents=True)
    write(attempt.folder)
    facts.scored(attempt, {"figures": saving.FIGURES, "samples": saving.SAMPLES})
    from dashboard.runs import lifecycle

    lifecycle.finish(lease)
    return Evaluation.objects.get(pk=lease.job_id)


def write(folder: Path) -> None:
    rows, rng = open_dataset("composed-pairs", "test"), np.random.default_rng(1)
    assert rows.labels is not None
    labels = rows.labels[:NUM]
    probabilities = rng.dirichlet((1, 1, 1), NUM)
    known = [facts_of(rows, row) for row in range(NUM)]
    said = Predictions("sentiment", "test", rows.card.classes, ["composed-pairs"] * NUM, np.arange(NUM), labels, probabilities, known)
    found = {"split": "test", "datasets": [{"name": "composed-pairs", "fingerprint": "x"}], "classification": figures(said, Bootstrap(200))}
    predictions.write(folder / saving.SAMPLES, said)
    (folder / saving.FIGURES).write_text(json.dumps(found))


def tab(client: Client, run: Run, query: str = "") -> str:
    answer = client.get(f"/runs/{run.pk}/evaluation/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_run_without_one_says_when_there_will_be(alice: Client, cast: Cast) -> None:
    assert "A run is evaluated when its last stage is trained." in tab(alice, cast.submit("new", tiny()))


def test_the_tab_opens_with_the_answer_and_shows_what_it_rests_on(alice: Client, run: Run, evaluated: Evaluation) -> None:
    text, found = tab(alice, run), evaluated.figures["classification"]
    assert f"{100 * found['accuracy']:.1f}" in text
    assert f"of {NUM} samples are right (95 % interval" in text
    for each in found["classes"]:
        assert f"{100 * each['f1']:.1f}" in text
    assert text.count("<li>") >= PAGE


def test_samples_are_the_worst_first_with_text_and_picture(alice: Client, run: Run, evaluated: Evaluation) -> None:
    said = predictions.read(settings.RUNS_DIR / evaluated.samples)
    worst = int(said.losses.argmax())
    rows = open_dataset("composed-pairs", "test")
    assert rows.texts is not None
    text = tab(alice, run)
    first = text[text.index('<ol class="samples">') :]
    assert (
        first.index(f'src="/datasets/composed-pairs/test/{worst}/picture/"') < first.index(escape(rows.texts[worst])) < first.index("</li>")
    )
    answer = alice.get(f"/datasets/composed-pairs/test/{worst}/picture/")
    assert (answer.content, answer["Content-Type"]) == (rows.image(worst), "image/jpeg")


def test_a_cell_of_the_confusion_shows_its_samples(alice: Client, run: Run, evaluated: Evaluation) -> None:
    matrix, names = (
        evaluated.figures["classification"]["confusion"],
        [each["class"] for each in evaluated.figures["classification"]["classes"]],
    )
    text = tab(alice, run, f"?evaluation={evaluated.pk}&label={names[0]}&predicted={names[1]}")
    assert text.count('class="sample-text"') == min(matrix[0][1], PAGE)
    assert "No sample fits." in tab(alice, run, "?label=nobody")


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=x", "?page=99999999999", "?evaluation=x", "?evaluation=999999", "?label=%00", "?wrong=2"]
)
def test_odd_addresses_are_taken(alice: Client, run: Run, evaluated: Evaluation, query: str) -> None:
    tab(alice, run, query)


def test_samples_that_are_on_no_disk_are_said_to_be_missing(alice: Client, run: Run, evaluated: Evaluation) -> None:
    path = settings.RUNS_DIR / evaluated.samples
    path.write_bytes(b"not Parquet")
    assert "is no Parquet file" in tab(alice, run)
    path.unlink()
    assert "What was said of each sample is not on this machine." in tab(alice, run)


@pytest.mark.parametrize("row", ["466", "999999999"])
def test_a_picture_that_there_is_not_is_not_found(alice: Client, row: str) -> None:
    assert alice.get(f"/datasets/composed-pairs/test/{row}/picture/").status_code == 404
    assert alice.get("/datasets/equations/test/0/picture/").status_code == 404
    assert alice.get("/datasets/composed-pairs/secret/0/picture/").status_code == 404


def test_any_stage_can_be_asked_about_any_split_that_fits(alice: Client, run: Run) -> None:
    answer = alice.post(f"/runs/{run.pk}/evaluations/", {"checkpoint": "1", "dataset": "natural-pairs", "split": "validation"})
    assert answer.status_code == 302
    job = Evaluation.objects.latest("pk")
    assert (job.of_stage.index, job.dataset, job.split, job.status, job.aside) == (1, "natural-pairs", "validation", "queued", True)
    assert job.asked_by is not None
    assert answer["Location"].endswith(f"?evaluation={job.pk}")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"checkpoint": "7"}, "has no checkpoint 7"),
        ({"checkpoint": "1/../../secret"}, "has no checkpoint 1/../../secret"),
        ({"checkpoint": "3", "dataset": "python-code"}, "python-code is no data set that Refinement can be asked about"),
        ({"dataset": "nowhere"}, "nowhere is no data set that Foundation can be asked about"),
        ({"split": "holdout"}, "There is no split holdout"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(alice: Client, run: Run, given: dict[str, str], words: str) -> None:
    before = Evaluation.objects.count()
    answer = alice.post(f"/runs/{run.pk}/evaluations/", {"checkpoint": "1", "dataset": "", "split": "test", **given})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Evaluation.objects.count() == before


def test_one_under_way_can_be_stopped(alice: Client, run: Run) -> None:
    job = Evaluation.objects.get(run=run)
    assert f'action="/runs/{run.pk}/jobs/{job.pk}/stop/"' in tab(alice, run)
    assert alice.post(f"/runs/{run.pk}/jobs/{job.pk}/stop/").status_code == 302
    job.refresh_from_db()
    assert job.status == "stopped"
    assert alice.post(f"/runs/{run.pk}/jobs/{job.pk}/stop/").status_code == 409


def test_the_api_lists_and_asks(alice: Client, run: Run, evaluated: Evaluation) -> None:
    found = alice.get(f"/api/v1/runs/{run.pk}/evaluations").json()
    assert found["count"] == 1
    assert found["items"][0]["figures"] == evaluated.figures
    answer = alice.post(f"/api/v1/runs/{run.pk}/evaluations", {"stage": 2}, content_type="application/json")
    assert (answer.status_code, answer.json()["stage"], answer.json()["status"]) == (201, 2, "queued")
    refused = alice.post(f"/api/v1/runs/{run.pk}/evaluations", {"stage": 9}, content_type="application/json")
    assert (refused.status_code, "has no checkpoint 9" in refused.json()["detail"]) == (422, True)
