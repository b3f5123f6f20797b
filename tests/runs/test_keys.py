"""What a stage's key stands for: everything that decides its weights, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from dashboard.runs import keys
from trainer import catalog, config, recipes
from trainer.catalog import Card

CARDS = {
    name: Card(name=name, title=name, columns=("text",), num_samples={"train": 8}, fingerprint=name * 2) for name in ("plain", "other")
}


def task(dataset: str = "plain") -> dict[str, Any]:
    return {"kind": "causal_lm", "sources": [{"dataset": dataset}]}


def document(**model: Any) -> dict[str, Any]:
    stages = [{"name": f"stage {index}", "tasks": [task()], "steps": 10, "seed": index} for index in (1, 2, 3)]
    return {"model": {"family": "causal_lm", **model}, "stages": stages, "quantization": None}


def keys_of(document: Mapping[str, Any], cards: Mapping[str, Card] = CARDS) -> list[str]:
    return [key for key, _ in keys.chain(config.Run.model_validate(document), cards)]


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document))
    *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = found
    for part in outer:
        place = place[part]
    place[last] = value
    return found


def same(first: list[str], second: list[str]) -> list[bool]:
    return [one == other for one, other in zip(first, second, strict=True)]


def test_a_key_is_the_hash_of_the_config_the_parent_the_data_and_the_trainers_version() -> None:
    run = config.Run.model_validate(document(pretrained="x"))
    stage = {name: value for name, value in run.stages[1].model_dump(mode="json").items() if name not in ("name", "description")}
    first, second, _ = keys_of(document(pretrained="x"))
    stands_for = {
        "model": run.model.model_dump(mode="json"), "num_threads": 2, "stage": stage,
        "version": 1, "parent": first, "data": {"plain": "plainplain"},
    }  # fmt: skip
    assert second == hashlib.sha256(json.dumps(stands_for, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stages.1.seed", 9),
        ("stages.1.steps", 11),
        ("stages.1.batch_size", 4),
        ("stages.1.tasks.0.weight", 2),
        ("stages.1.schedule", {"peak_rate": 1e-3}),
        ("stages.1.regularisation", {"dropout": 0.2}),
        ("stages.1.precision", "bf16"),
        ("stages.1.tasks", [task("other")]),
    ],
)
def test_a_changed_stage_gets_another_key_and_so_do_all_after_it(path: str, value: Any) -> None:
    start = document(pretrained="x")
    assert same(keys_of(start), keys_of(changed(start, path, value))) == [True, False, False]


@pytest.mark.parametrize(("path", "value"), [("model.width", 128), ("num_threads", 1)])
def test_the_model_and_the_threads_are_in_every_key(path: str, value: Any) -> None:
    assert same(keys_of(document()), keys_of(changed(document(), path, value))) == [False] * 3


@pytest.mark.parametrize(
    ("path", "value"),
    [("stages.0.name", "foundation"), ("stages.0.description", "words"), ("tensorboard", True), ("stages.0.batch_size", 16)],
)
def test_names_words_and_defaults_written_out_change_nothing(path: str, value: Any) -> None:
    assert keys_of(document()) == keys_of(changed(document(), path, value))


@pytest.mark.parametrize("listed", [["middle", "top"], ["top", "middle"], ["top", "middle", "top"]])
def test_what_trains_is_a_set_in_whatever_order_it_is_listed(listed: list[str]) -> None:
    """A form sends the groups before the patterns, a recipe lists them in another order."""
    start = changed(document(pretrained="x"), "stages.1.trainable", ["middle", "top"])
    assert keys_of(changed(start, "stages.1.trainable", listed)) == keys_of(start)
    assert same(keys_of(start), keys_of(changed(start, "stages.1.trainable", ["top"]))) == [True, False, False]


def test_stages_that_were_trained_from_the_recipes_keep_their_keys() -> None:
    for recipe in recipes.load().values():
        for stage in recipe.config.stages:
            assert list(stage.trainable) == sorted(set(stage.trainable)), (recipe.id, stage.name)


def test_data_with_another_fingerprint_changes_the_keys_of_the_stages_that_read_it() -> None:
    start = changed(document(pretrained="x"), "stages.1.tasks", [task("other")])
    newer = {**CARDS, "other": CARDS["other"].model_copy(update={"fingerprint": "new"})}
    assert same(keys_of(start), keys_of(start, newer)) == [True, False, False]


@pytest.mark.parametrize(("model", "first_stays"), [({}, False), ({"tokenizer": "x"}, True), ({"pretrained": "x"}, True)])
def test_a_tokenizer_that_is_trained_here_makes_the_data_of_all_stages_part_of_the_first_key(
    model: dict[str, str], first_stays: bool
) -> None:
    start = document(**model)
    assert same(keys_of(start), keys_of(changed(start, "stages.2.tasks", [task("other")])))[0] is first_stays


def test_another_version_of_the_trainer_trains_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys_of(document())
    monkeypatch.setattr(keys, "VERSION", 2)
    assert same(before, keys_of(document())) == [False] * 3


def test_a_stage_on_data_that_nobody_can_tell_apart_has_no_key_and_none_has_after_it() -> None:
    unknown = {**CARDS, "other": CARDS["other"].model_copy(update={"fingerprint": ""})}
    start = changed(document(pretrained="x"), "stages.1.tasks", [task("other")])
    found = keys_of(start, unknown)
    assert found[0]
    assert found[1:] == ["", ""]
    assert keys_of(start, {"plain": CARDS["plain"]}) == found


def test_how_triples_are_written_is_part_of_the_first_key_where_a_tokenizer_is_trained_on_them() -> None:
    document = recipes.load()["language-tiny"].config.model_dump(mode="json")
    before = config.Run.model_validate(document)
    triples = next(task for task in document["stages"][1]["tasks"] if task["kind"] == "triples")
    triples["template"] = "{relation}: {head} ="
    after = config.Run.model_validate(document)
    cards = catalog.load()
    assert keys.chain(before, cards)[0][0] != keys.chain(after, cards)[0][0]


def test_weights_in_a_folder_have_no_key() -> None:
    document = recipes.load()["sentiment-tiny"].config.model_dump(mode="json")
    document["model"]["text"]["pretrained"] = "/models/mine"
    assert keys.chain(config.Run.model_validate(document), catalog.load())[0][0] == ""
