"""The quantization of a language model: the tab tells perplexity and bits per byte, and nothing of classes or pictures."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from django.test import Client

from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Quantization, Run
from dashboard.serving.exports import newest_export
from tests.cast import Cast
from tests.pages.working import claim
from tests.runs.finished import finish_stages
from trainer import recipes
from trainer.config import Quantization as Settings
from trainer.quantization.gate import judge
from trainer.quantization.language.asking import Asked
from trainer.quantization.language.measuring import Told
from trainer.quantization.language.quality import quality
from workers import facts

pytestmark = pytest.mark.django_db
COSTS = {"fp32_eager": (8.0, 90), "fp32": (4.0, 96), "bf16": (6.0, 45), "int8_weight": (5.0, 30), "int8_dynamic": (2.0, 32)}
NUM_TOKENS = 1000


@pytest.fixture
def run(cast: Cast) -> Run:
    tiny = recipes.load()["language-tiny"].config.model_copy(update={"quantization": Settings(), "evaluate": False})
    return finish_stages(cast.submit("steady-heron", tiny))


def told(num_right: int, nats: float) -> Told:
    """The first tokens are right; of four, 0 is the true one."""
    said = np.where(np.arange(NUM_TOKENS) < num_right, 0, 1)
    return Told(np.full(NUM_TOKENS, nats), said, np.eye(4)[said] * 2.0)


def quantize(dynamic: int = 298) -> Quantization:
    """As a worker leaves it: what the precisions say is made up, the rows and the verdict are made of it."""
    lease = claim()
    assert lease.kind == "quantization"
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    asked = Asked("test", np.zeros(NUM_TOKENS, np.int64), np.arange(NUM_TOKENS) // 20, np.full(NUM_TOKENS, 4), 50, [])
    whole = told(300, 2.0)
    answers = {"fp32_eager": whole, "fp32": whole, "bf16": whole, "int8_weight": told(299, 2.01), "int8_dynamic": told(dynamic, 2.02)}
    rows: list[dict[str, Any]] = []
    for name, (ms, size_mb) in COSTS.items():
        cost = {"latency_ms_p50": ms, "latency_ms_p99": 2 * ms, "throughput_per_s": 1000 / ms, "tokens_per_s": 128_000 / ms}
        row = {"precision": name, "method": "as it is", "runtime": "some", "size_bytes": size_mb * 10**6, "prompt_tokens": 128}
        rows.append({**row, **cost, **quality(answers[name], whole, asked)})
        facts.measured(attempt, rows[-1])
    facts.judged(attempt, {**judge(rows, 0.6).model_dump(), "flipped": ""})
    lifecycle.finish(lease)
    return Quantization.objects.get(pk=lease.job_id)


def page(client: Client, run: Run) -> str:
    answer = client.get(f"/runs/{run.pk}/quantization/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_answer_is_told_in_figures_of_language(alice: Client, run: Run) -> None:
    quantize()
    text = page(alice, run)
    assert "INT8 dynamic is 3.0× smaller and 2.0× faster than FP32; next-token accuracy −0.20 pt" in text
    assert "Perplexity 7.538, of FP32 7.389; 0.20 % of the next tokens differ" in text
    assert "INT8 dynamic won: the gate lets through what loses at most 0.6 points of next-token accuracy." in text


def test_the_ledger_has_perplexity_and_bits_per_byte_and_no_f1(alice: Client, run: Run) -> None:
    quantize()
    text = page(alice, run)
    for shown in (
        "Perplexity</th>",
        "Bits/byte</th>",
        "Tokens/s</th>",
        "How well it predicts text",
        "test split, 50 documents, 1,000 predicted tokens",
        "prompts of 128 tokens",
    ):
        assert shown in text
    for hidden in ("macro F1", "F1 by class", "Flipped samples", "?flipped="):
        assert hidden not in text


def test_where_nothing_passes_the_page_says_so(alice: Client, run: Run) -> None:
    quantize(dynamic=280)
    Quantization.objects.update(
        gate={"max_drop": 0.05, "drops": {"int8_weight": 0.1, "int8_dynamic": 2.0}, "winner": "int8_weight", "passes": False}
    )
    assert "No INT8 passes the gate: even INT8 weights, the best, loses more than its 0.05 points" in page(alice, run)


def test_a_language_model_is_not_offered_to_what_serves_classifiers(run: Run) -> None:
    job = quantize()
    assert (job.flipped, job.files, newest_export(run)) == ("", {}, None)


def test_the_api_tells_what_the_contract_names(alice: Client, run: Run) -> None:
    quantize()
    found = alice.get(f"/api/v1/runs/{run.pk}/quantizations").json()
    contract = {"precision", "size_bytes", "latency_ms_p50", "latency_ms_p99", "throughput_per_s", "accuracy"}
    assert all(contract | {"perplexity", "bits_per_byte", "gate"} <= row.keys() for row in found["items"][-2:])
