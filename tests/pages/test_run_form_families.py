"""The run form and the model's family: what a family does not have is neither offered nor sent; language models speak of tokens."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.form.fields import lookup
from dashboard.runs.models import Run
from tests.pages.test_run_form import EXAMPLE, Inputs, refused, typed
from trainer import config

pytestmark = pytest.mark.django_db
TEXT = {"dataset": "composed-pairs", "share": 30}
MORE_TEXT = {"dataset": "natural-pairs", "share": 70}


def language_document(family: str = "causal_lm", **stage: Any) -> dict[str, Any]:
    kind = "masked_lm" if family == "masked_lm" else "causal_lm"
    first = {"name": "Foundation", "steps": 20, "batch_size": 8, "tasks": [{"kind": kind, "sources": [TEXT, MORE_TEXT]}], **stage}
    model = {"family": family, "width": 32, "num_layers": 2, "num_heads": 2, "max_tokens": 64}
    return {"model": model, "stages": [first], "quantization": None}


def shown(client: Client, document: dict[str, Any]) -> Inputs:
    """The form that a document fills."""
    answer = client.post("/runs/new/", {"name": "calm-juniper", "document": json.dumps(document), "act": "apply"})
    assert answer.status_code == 200
    return Inputs(answer.content.decode())


def planned(client: Client, document: dict[str, Any]) -> str:
    return client.post("/runs/new/plan/", {"document": json.dumps(document)}).content.decode()


@pytest.mark.parametrize("family", ["causal_lm", "moe_lm", "masked_lm"])
def test_a_language_model_sent_back_unchanged_is_the_same_config(alice: Client, family: str) -> None:
    document = language_document(family)
    assert alice.post("/runs/new/", shown(alice, document).sent).status_code == 303
    assert Run.objects.get().config == config.Run.model_validate(document).model_dump(mode="json")


def test_a_family_offers_its_own_tasks_and_fields(alice: Client) -> None:
    words = shown(alice, language_document())
    assert words.options["stages.0.tasks.0.kind"] == list(config.TASKS_OF["causal_lm"])
    assert "model.mlp_width" in words.sent
    assert not {"model.num_experts", "model.fusion", "model.image.widths", "quantization.enabled"} & set(words.sent)
    pictures = Inputs(alice.get("/runs/new/", {"recipe": EXAMPLE}).content.decode())
    assert pictures.options["stages.0.tasks.0.kind"] == list(config.TASKS_OF["image_text"])
    assert "model.mlp_width" not in pictures.sent


OFFERED = {
    "image_text": list(config.Quantization.model_fields),
    "causal_lm": ["latency_samples", "max_drop"],
    "moe_lm": [],
    "masked_lm": [],
}


@pytest.mark.parametrize("family", OFFERED)
def test_what_can_be_quantized_has_the_switch_and_what_there_is_to_settle_of_it(alice: Client, family: str) -> None:
    text = alice.get("/runs/new/", {"recipe": EXAMPLE}).content.decode()
    told = re.search(r'<script id="family-facts" type="application/json">(.*?)</script>', text)
    assert told
    assert json.loads(told[1])[family]["quantization"] == OFFERED[family]


def test_the_quantization_of_a_language_model_is_sent_as_it_was_settled(alice: Client) -> None:
    document = language_document() | {"quantization": {"max_drop": 0.2}}
    sent = shown(alice, document).sent
    assert {name for name in sent if name.startswith("quantization.")} == {
        "quantization.enabled",
        "quantization.latency_samples",
        "quantization.max_drop",
    }
    assert alice.post("/runs/new/", sent).status_code == 303
    assert Run.objects.get().config["quantization"] == config.Quantization(max_drop=0.2).model_dump(mode="json")


def test_a_task_offers_only_the_data_sets_that_fit_it(alice: Client) -> None:
    page = Inputs(alice.get("/runs/new/", {"recipe": EXAMPLE}).content.decode())
    of_the_first, of_the_second = (page.options[f"stages.0.tasks.{number}.sources.0.dataset"] for number in (0, 1))
    assert {"emoji-groups", "natural-pairs", "composed-pairs"} <= set(of_the_first)
    assert "emoji-groups" not in of_the_second  # masked words need text
    assert {"natural-pairs", "composed-pairs"} <= set(of_the_second)


def test_fields_of_another_family_are_left_out(alice: Client) -> None:
    form = typed(alice, model__family="causal_lm", model__width="64")
    inputs, page = refused(alice, form)
    assert "has no task image_classification" in page
    assert "model.image.image_size" not in inputs.sent
    assert inputs.sent["model.width"] == "64"


def test_a_wrong_field_of_a_family_is_named_where_it_stands(alice: Client) -> None:
    form = shown(alice, language_document("moe_lm")).sent
    inputs, _page = refused(alice, form | {"model.width": "33", "model.capacity_factor": "0.1", "model.num_heads": "2"})
    assert inputs.wrong == {"model.capacity_factor"}
    inputs, _page = refused(alice, form | {"model.experts_per_token": "8"})
    assert inputs.wrong == {"model.experts_per_token"}


def test_a_family_that_there_is_not_is_named(alice: Client) -> None:
    _inputs, page = refused(alice, typed(alice, model__family="mamba"))
    assert 'href="#model' in page
    assert "There is no such choice." in page


def test_an_empty_capacity_means_no_limit(alice: Client) -> None:
    form = shown(alice, language_document("moe_lm")).sent
    assert form["model.capacity_factor"] == ""
    assert alice.post("/runs/new/", form).status_code == 303
    assert lookup(Run.objects.get().config, "model.capacity_factor") is None


def test_a_language_run_is_planned_in_tokens(alice: Client) -> None:
    page = planned(alice, language_document())
    assert "20 steps, batch 8 × 64 tokens" in page
    assert "10.2 k" in page  # 20 steps x 8 rows x 64 tokens = 10,240
    assert "3.07 k tokens" in page  # 30 % of them
    assert "7.17 k tokens" in page
    assert '<dt class="muted">Samples' not in page


def test_an_image_text_run_is_planned_in_samples(alice: Client) -> None:
    page = alice.post("/runs/new/plan/", typed(alice)).content.decode()
    assert '<dt class="muted">Samples' in page
    assert " tokens" not in page


def test_the_tasks_of_a_language_stage_share_one_bar(alice: Client) -> None:
    tasks = [{"kind": "causal_lm", "sources": [TEXT]}, {"kind": "triples", "sources": [{"dataset": "wordnet-triples", "share": 70}]}]
    page = planned(alice, language_document(tasks=tasks))
    assert page.count('<svg class="mix"') == 1
    assert "3.07 k tokens" in page  # shares are of the stage, not of the task
    assert alice.post("/runs/new/plan/", typed(alice)).content.decode().count('<svg class="mix"') == 4
