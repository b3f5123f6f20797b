"""The quantization of a run: what the tab says of the ledger and the gate, the flipped samples and their CSV, and asking again."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils.html import escape

from dashboard.accounts.models import User
from dashboard.quantizations.curve import curve_of
from dashboard.quantizations.flips import harmless
from dashboard.quantizations.ledger import ledger_of
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Quantization, Run, Status
from tests.cast import Cast
from tests.pages.working import claim
from tests.runs.finished import finish_stages, tiny
from trainer.config import Quantization as Settings
from trainer.config import Sentiment, Source
from trainer.data.picture_cache import PictureCache
from trainer.data.samples import Samples
from trainer.quantization import flips
from trainer.quantization.gate import judge
from trainer.quantization.quality import quality
from workers import facts
from workers.relay import Relay

pytestmark = pytest.mark.django_db
CLASSES = ("negative", "neutral", "positive")
COSTS = {"fp32_eager": (8.0, 90), "fp32": (4.0, 96), "bf16": (6.0, 45), "int8_ptq": (1.6, 24), "int8_qat": (1.5, 24)}
Quantize = Callable[..., Quantization]


def samples() -> Samples:
    """The test split, of which only texts, labels and places are asked for."""
    task = Sentiment(sources=(Source(dataset="composed-pairs"),))
    return Samples(task, "test", [], None, PictureCache(16))  # type: ignore[arg-type]


def logits(labels: np.ndarray, num_right: int, num_flipped: int = 0) -> np.ndarray:
    """The first `num_right` are right, the others say the next class; then the first answers are turned to the next but one."""
    said = np.where(np.arange(len(labels)) < num_right, labels, (labels + 1) % 3)
    said[:num_flipped] = (said[:num_flipped] + 1) % 3
    found: np.ndarray = np.eye(3)[said] * 2.0
    return found


def row(precision: str, answers: np.ndarray, whole: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    ms, size_mb = COSTS[precision]
    cost = {"latency_ms_p50": ms, "latency_ms_p99": 2 * ms, "batch_size": 16, "batch_ms_p50": 8 * ms, "throughput_per_s": 1000 / ms}
    told = {
        "precision": precision,
        "method": "as it is",
        "runtime": "ONNX Runtime",
        "size_bytes": size_mb * 10**6,
        "embedding_bytes": 10**7,
    }
    asked = {"split": "train", "num_samples": 16, "datasets": [{"name": "composed-pairs", "fingerprint": "abc"}]}
    float_layers = ["text.embeddings.LayerNorm"] if precision.startswith("int8") else []
    return {**told, **cost, **quality(answers, whole, labels, CLASSES), "float_layers": float_layers, "calibration": asked}


@pytest.fixture
def run(cast: Cast) -> Run:
    return finish_stages(cast.submit("steady-kestrel", tiny(quantization=Settings())))


@pytest.fixture
def quantize(run: Run) -> Quantize:
    """As a worker leaves it: the answers are made up, the rows, the verdict and the flipped samples are made of them."""

    def work(ptq: int = 300, qat: int = 310, num_flipped: int = 4) -> Quantization:
        lease, asked = claim(), samples()
        assert lease.kind == "quantization"
        attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
        attempt.folder.mkdir(parents=True)
        labels = asked.labels(asked.in_order())
        whole = logits(labels, 310)
        answers = {"fp32": whole, "bf16": whole, "int8_ptq": logits(labels, ptq), "int8_qat": logits(labels, qat, num_flipped)}
        rows = [row(name, each, whole, labels) for name, each in {"fp32_eager": whole, **answers}.items()]
        for each in rows:
            facts.measured(attempt, each)
        flips.write(attempt.folder / flips.FILE, asked, "test", whole, answers)
        facts.judged(attempt, {**judge(rows, 0.6).model_dump(), "flipped": flips.FILE})
        lifecycle.finish(lease)
        return Quantization.objects.get(pk=lease.job_id)

    return work


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, run: Run, query: str = "") -> str:
    answer = client.get(f"/runs/{run.pk}/quantization/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_ledger_says_what_the_winner_gains_and_costs(alice: Client, run: Run, quantize: Quantize) -> None:
    quantize(num_flipped=0)
    text = page(alice, run)
    assert "INT8 QAT is 4.0× smaller and 2.7× faster than FP32; accuracy" in text
    assert "0 of 466 test samples more or fewer right" in text
    assert "At batch 1 it is 5.3× as fast as FP32 in PyTorch." in text
    assert "INT8 QAT won and is offered for serving" in text


def test_the_gate_says_what_passes_and_what_loses_too_much(alice: Client, run: Run, quantize: Quantize) -> None:
    lines = {line.precision: line for line in ledger_of(quantize(ptq=300, num_flipped=2)).lines}
    assert {name: line.gate for name, line in lines.items()} == {
        "fp32_eager": "", "fp32": "reference", "bf16": "", "int8_ptq": "over", "int8_qat": "pass",
    }  # fmt: skip
    assert [name for name, line in lines.items() if line.is_winner] == ["int8_qat"]
    assert "Over limit" in page(alice, run)


def test_where_nothing_passes_no_int8_is_offered(alice: Client, run: Run, quantize: Quantize) -> None:
    ledger = ledger_of(quantize(ptq=300, num_flipped=30))
    assert (ledger.passes, ledger.hero and ledger.hero.precision) == (False, "int8_ptq")
    assert "No INT8 is offered for serving: even INT8 PTQ, the best, loses more than the 0.6 points of the gate." in page(alice, run)


def test_the_chart_draws_the_gate_below_fp32(run: Run, quantize: Quantize) -> None:
    drawn = ledger_of(quantize()).drawn
    assert drawn["limit"] == pytest.approx(310 / 466 - 0.006)
    assert [point["precision"] for point in drawn["points"]] == list(COSTS)


def test_f1_by_class_says_who_pays(alice: Client, run: Run, quantize: Quantize) -> None:
    job = quantize(num_flipped=20)
    changes = {name: {line.precision: change for line, _, change in cells} for name, cells in ledger_of(job).classes}
    worst = min(CLASSES, key=lambda name: changes[name]["int8_ptq"] or 0)
    assert f"{worst.capitalize()} pays most for INT8 PTQ" in page(alice, run)


def test_the_flipped_samples_of_the_winner_are_listed_with_picture_and_text(alice: Client, run: Run, quantize: Quantize) -> None:
    quantize(num_flipped=2)
    text, rows = page(alice, run), samples().rows[0]
    assert "2 of 466" in text
    assert "2 became wrong, 0 became right, 0 wrong either way" in text
    assert text.count("/datasets/composed-pairs/test/") == 2
    assert rows.texts is not None
    assert escape(rows.texts[0]) in text


def test_another_precision_can_be_chosen(alice: Client, run: Run, quantize: Quantize) -> None:
    quantize(ptq=300, num_flipped=2)
    assert "FP32 and INT8 PTQ answer differently: 10 became wrong" in page(alice, run, "?flipped=int8_ptq")
    assert "Not one answer flipped." in page(alice, run, "?flipped=bf16")
    assert "2 of 466" in page(alice, run, "?flipped=nonsense")


def test_the_csv_has_every_flipped_sample(alice: Client, cast: Cast, run: Run, quantize: Quantize) -> None:
    job = quantize(ptq=250)
    address = f"/runs/{run.pk}/quantizations/{job.pk}/int8_ptq.csv"
    answer = alice.get(address)
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))  # type: ignore[call-overload]
    assert len(rows) == 60
    assert {row["dataset"] for row in rows} == {"composed-pairs"}
    assert all(row["before"] == row["truth"] != row["after"] for row in rows)
    assert browser_of(cast.charlie).get(address).status_code == 404
    assert alice.get(address.replace("int8_ptq", "nonsense")).status_code == 404
    assert alice.get(f"/runs/{run.pk}/quantizations/{job.pk + 1}/int8_ptq.csv").status_code == 404


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_spreadsheet_takes_no_sentence_for_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("fine = fine") == "fine = fine"
    assert harmless(-0.5) == -0.5


def test_a_list_that_lies_on_another_machine_is_said_to(alice: Client, run: Run, quantize: Quantize) -> None:
    job = quantize()
    Path(Attempt.objects.get(job=job).folder / flips.FILE).unlink()
    assert "The list of samples is not on this machine." in page(alice, run)


def test_a_half_measured_ledger_shows_what_is_there(alice: Client, run: Run) -> None:
    lease = claim()
    Quantization.objects.filter(pk=lease.job_id).update(rows=[{"precision": "fp32", "size_bytes": 1000}])
    text = page(alice, run)
    assert "1,000 B" in text or "1.0 kB" in text
    assert "smaller and" not in text


def test_rows_of_an_earlier_version_still_show(alice: Client, run: Run) -> None:
    measured = {"runtime": "ONNX Runtime", "latency_ms_p99": 60.0, "throughput_per_s": 90.0, "macro_f1": 0.7, "num_samples": 400}
    fp32 = {"precision": "fp32", "size_bytes": 200_000_000, "latency_ms_p50": 40.0, "accuracy": 0.75, **measured}
    int8 = {"precision": "int8", "size_bytes": 50_000_000, "latency_ms_p50": 10.0, "accuracy": 0.74, **measured}
    Quantization.objects.filter(run=run).update(rows=[fp32, int8])
    text = page(alice, run)
    assert "INT8 is 4.0× smaller and 4.0× faster than FP32; accuracy −1.00 pt" in text
    assert "4 of 400 test samples" in text


def test_the_training_with_rounding_is_a_curve_of_the_quantization_alone(alice: Client, run: Run) -> None:
    lease = claim()
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    attempt.folder.mkdir(parents=True)
    started = {"kind": "started", "num_steps": 9, "first_step": 1, "num_parameters": 5, "num_trainable": 4, "device": "CPU"}
    steps = [{"kind": "stepped", "step": step, "metrics": {"train/loss": 1 / step, "train/learning_rate": 1e-5}} for step in (1, 2, 3)]
    events = [{"seq": number, "at": 1.0, **event} for number, event in enumerate([started, *steps], 1)]
    (attempt.folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    Relay(lease, attempt).drain()
    job = Quantization.objects.get(pk=lease.job_id)
    assert job.progress == {"what": "Training with the rounding of INT8", "done": 3, "total": 9}
    curve = curve_of(job)
    assert (curve["stage"], curve["attempt"]) == (4, 1)
    assert curve["metrics"]["train/loss"] == {"step": [1, 2, 3], "value": [1, 0.5, pytest.approx(1 / 3)]}
    text = page(alice, run)
    assert "data-aware>" in text
    assert "Training with the rounding of INT8 <span data-aware-step>3</span> / 9" in text
    whole = alice.get(f"/api/v1/runs/{run.pk}/series", {"metric": "train/loss"}).json()
    assert len(whole["step"]) == 3  # one of each stage, none of the quantization


def test_a_finished_quantization_can_be_asked_for_again(alice: Client, cast: Cast, run: Run, quantize: Quantize) -> None:
    first, address, bob = quantize(), f"/runs/{run.pk}/quantizations/", browser_of(cast.bob)
    assert "Run again" in page(alice, run)
    assert "Run again" not in page(bob, run)
    assert bob.post(address).status_code == 403
    assert alice.post(address).status_code == 302
    again = Quantization.objects.exclude(pk=first.pk).get()
    assert (again.aside, again.status, again.rows) == (True, Status.QUEUED, [])
    run.refresh_from_db()
    assert run.status == Status.COMPLETED
    assert alice.post(address).status_code == 409


def test_what_is_not_trained_to_its_end_is_not_quantized_again(alice: Client, cast: Cast) -> None:
    run = cast.submit("early-bird", tiny(quantization=Settings()))
    assert alice.post(f"/runs/{run.pk}/quantizations/").status_code == 409


def test_the_api_tells_the_newest_rows(alice: Client, run: Run, quantize: Quantize) -> None:
    quantize()
    found = alice.get(f"/api/v1/runs/{run.pk}/quantizations").json()
    assert found["count"] == 5
    contract = {"precision", "size_bytes", "latency_ms_p50", "latency_ms_p99", "throughput_per_s", "accuracy"}
    assert all(contract <= row.keys() for row in found["items"])
