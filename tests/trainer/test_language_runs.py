"""Language models as runs: what each kind learns, reports and resumes, and what is refused."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest
import torch

from tests.trainer import small_language as small
from tests.trainer.attempts import Attempts, digest_of, events_of, new_folder
from trainer.config import StageJob
from trainer.data.writing import Sample, write_dataset
from trainer.device import has_compiler
from trainer.events import DIFFICULTY, SAMPLES, TOKENS
from trainer.families.language import LanguageLearner
from trainer.loop import Training
from trainer.stage import prepare

LAST = "stage-1-step-000008"
HYBRID = (
    small.task("causal_lm", "speeches", "code", weight=0.6),
    small.task("triples", "facts", weight=0.3),
    small.task("equations", "sums", weight=0.1),
)
EASY_FIRST = {"length": 1, "rarity": 0.5, "loss": 0.5}
# Whatever a resume could lose is somewhere among these.
STAGES: dict[str, dict[str, Any]] = {
    "hybrid loss with a curriculum": small.job("llama", *HYBRID, curriculum=EASY_FIRST, accumulation=2),
    "uncertainty": small.job("llama", *HYBRID, task_weighting="uncertainty", regularisation={"dropout": 0.3}, report_interval=2),
    "instructions": small.job("llama", small.task("instructions", "talks"), precision="bf16"),
    "experts with a loss": small.job("mixtral", *HYBRID),
    "experts with a bias": small.job("deepseek_v3", *HYBRID),
    "hidden words": small.job("bert", small.task("masked_lm", "speeches", "code"), regularisation={"dropout": 0.3}),
}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_texts(tmp_path_factory.mktemp("datasets"))


def training(datasets: Path, document: dict[str, Any]) -> Training:
    torch.set_num_threads(1)
    job = StageJob.model_validate(document)
    return prepare(job, [datasets], job.stage.steps or 0)


def learner_of(made: Training) -> LanguageLearner:
    assert isinstance(made.learner, LanguageLearner)
    return made.learner


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_died_ends_as_an_undisturbed_one(name: str, datasets: Path, attempts: Attempts, tmp_path: Path) -> None:
    whole, torn = (new_folder(tmp_path / each, STAGES[name]) for each in ("whole", "torn"))
    assert attempts.train(whole, datasets) == 0
    for death in ((SIGKILL, "step", 5), (SIGTERM, "step", 7)):
        assert attempts.train(torn, datasets, death) != 0
    assert attempts.train(torn, datasets) == 0
    for file in ("model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json", "tokenizer.json"):
        assert digest_of(torn, LAST, file) == digest_of(whole, LAST, file), file
    assert events_of(torn, "drawn")[-1]["sources"] == events_of(whole, "drawn")[-1]["sources"]
    assert events_of(torn, "watched")[-1]["losses"] == events_of(whole, "watched")[-1]["losses"]
    assert progress_of(torn) == progress_of(whole)


def progress_of(folder: Path) -> dict[int, tuple[int, int]]:
    """Samples and tokens read by the end of each step, as they were last said; both grow from step to step."""
    said = {event["step"]: (event["metrics"][SAMPLES], event["metrics"][TOKENS]) for event in events_of(folder, "stepped")}
    assert all(earlier < later for axis in zip(*said.values(), strict=True) for earlier, later in pairwise(sorted(axis)))
    assert sorted(said) == list(range(1, 9))
    return said


@pytest.mark.parametrize(("kind", "task", "count"), [("bert", "masked_lm", 3), ("llama", "causal_lm", 4)])
def test_the_baseline_counts_what_the_model_is_asked_for(kind: str, task: str, count: int, tmp_path: Path) -> None:
    """A document is one token and its end: a masked model is asked for the token, here `aa` in 3 of 4, one that reads on for the end."""
    words = [Sample(text=word) for word in ("aa", "aa", "aa", "bb")]
    write_dataset(tmp_path / "words", {"train": words, "validation": words[:2], "test": words[:2]}, ("text",), title="words")
    learner = learner_of(training(tmp_path, small.job(kind, small.task(task, "words"))))
    _losses, baseline = learner.watch()
    assert baseline == {"words": pytest.approx(-math.log((count + 1) / (4 + len(learner.tokenizer))), rel=1e-12)}


def test_one_forward_gives_each_task_its_own_loss_and_their_sum_by_weight(datasets: Path) -> None:
    values = training(datasets, small.job("llama", *HYBRID)).train_step().values
    each = {name: values[f"train/loss/{name}"].item() for name in ("causal_lm", "triples", "equations")}
    assert values["train/loss"].item() == pytest.approx(0.6 * each["causal_lm"] + 0.3 * each["triples"] + 0.1 * each["equations"])


def test_parts_of_a_batch_sum_to_the_same_step(datasets: Path) -> None:
    whole, parts = (
        training(datasets, small.job("llama", *HYBRID, accumulation=count, regularisation={"dropout": 0})).train_step().values
        for count in (1, 4)
    )
    for name, value in whole.items():
        assert parts[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_tokens_come_in_the_shares_that_were_asked_for(datasets: Path) -> None:
    made = training(datasets, small.job("llama", *HYBRID, steps=60))
    for _ in range(60):
        learner_of(made).draw(1)
    ledger = {row["dataset"]: row for row in made.learner.ledger()}
    assert {name: row["asked"] for name, row in ledger.items()} == pytest.approx({"speeches": 0.4, "code": 0.2, "facts": 0.2, "sums": 0.2})
    for name, row in ledger.items():
        assert row["seen"] == pytest.approx(row["asked"], abs=0.01), name


def test_easy_documents_come_first_and_all_alike_in_the_end(datasets: Path) -> None:
    preferring, flat = (mean_difficulty(datasets, flattening) for flattening in (0, 1000))
    assert preferring < -0.4 < -0.2 < flat


def mean_difficulty(datasets: Path, flattening: float) -> float:
    task, curriculum = small.task("causal_lm", "speeches", "code"), {"length": 1, "flattening": flattening}
    made = training(datasets, small.job("llama", task, curriculum=curriculum, steps=60))
    told = [float(values[DIFFICULTY]) for _ in range(60) if DIFFICULTY in (values := made.train_step().values)]
    return sum(told) / len(told)


def test_experts_tell_their_load_and_the_balance_is_in_the_loss(datasets: Path, tmp_path: Path) -> None:
    document = small.job("mixtral", small.task("causal_lm", "speeches"))
    document["model"] |= {"balance_rate": 0.5, "capacity_factor": 1.0}
    values = training(datasets, document).train_step().values
    assert values["experts/load_max"].item() <= 1.01
    assert 0 < values["experts/dropped"].item() < 1
    assert values["experts/balance_loss"].item() >= 1
    free = document | {"model": document["model"] | {"balance_rate": 0}}
    without = training(datasets, free).train_step().values
    assert values["train/loss"].item() - without["train/loss"].item() == pytest.approx(
        0.5 * values["experts/balance_loss"].item(), rel=1e-4
    )


def test_a_bias_moves_towards_idle_experts_and_is_kept(datasets: Path, tmp_path: Path) -> None:
    made = training(datasets, small.job("deepseek_v3", small.task("causal_lm", "speeches")))
    made.train_step()
    biases = {name: each for name, each in made.network.state_dict().items() if name.endswith("e_score_correction_bias")}
    assert biases
    assert {round(abs(value), 6) for each in biases.values() for value in each.tolist()} <= {0.0, 0.01}
    assert any(each.abs().sum() > 0 for each in biases.values())


def test_the_next_stage_takes_weights_and_tokenizer(datasets: Path, tmp_path: Path) -> None:
    talks = small.task("instructions", "talks")
    document = small.job("llama", *HYBRID)
    document |= {"model": document["model"] | {"max_tokens": 64}, "watched": [*HYBRID, talks]}
    first = training(datasets, document)
    first.train_step()
    parent, _size = first.save(tmp_path, is_final=True)
    stage = document["stage"] | {"tasks": [talks], "seed": 3}
    second = training(datasets, document | {"stage": stage, "index": 2, "parent": str(parent)})
    assert learner_of(second).tokenizer.get_vocab() == learner_of(first).tokenizer.get_vocab()
    assert all(torch.equal(tensor, second.network.state_dict()[name]) for name, tensor in first.network.state_dict().items())


def test_learning_beats_counting_words(datasets: Path, attempts: Attempts, tmp_path: Path) -> None:
    task = small.task("causal_lm", "speeches")
    document = small.job("llama", task, steps=80, validation_interval=80, checkpoint_interval=80, schedule={"peak_rate": 0.01})
    folder = new_folder(tmp_path / "run", document)
    assert attempts.train(folder, datasets) == 0
    (told,) = events_of(folder, "watched")
    assert told["losses"]["speeches"] < told["baseline"]["speeches"] - 1


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (small.job("llama", small.task("sentiment", "speeches")), "stages.0.tasks.0.kind"),
        (small.job("bert", small.task("causal_lm", "speeches")), "stages.0.tasks.0.kind"),
        (small.job("llama", small.task("instructions", "speeches")), "stages.0.tasks.0.sources.0.dataset"),
        (small.job("llama", small.task("instructions", "talks")) | {"model": small.SIZES | small.KINDS["llama"] | {"max_tokens": 8}},
         "stages.0.tasks.0.sources.0.dataset: talks: nothing is left"),
        (small.job("llama", small.task("causal_lm", "speeches"), trainable=["none.*"]), "stages.0.trainable"),
        (small.job("llama", small.task("causal_lm", "speeches"), curriculum={"entropy": 1}), "stages.0.curriculum.entropy"),
        (small.job("llama", small.task("causal_lm", "speeches"), precision="tf32"), "stages.0.precision: tf32 needs a GPU"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_by_its_field(
    document: dict[str, Any], sentence: str, datasets: Path, attempts: Attempts, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "run", document)
    assert attempts.train(folder, datasets) == 2
    (failed,) = events_of(folder, "failed")
    assert failed["message"].startswith(sentence)
    assert failed["reason"] == "bad_input"
    assert not (folder / "checkpoints").exists()


def test_whole_evaluation_of_a_folder(datasets: Path, attempts: Attempts, tmp_path: Path) -> None:
    from trainer.testing import evaluate_folder

    folder = new_folder(tmp_path / "run", small.job("llama", *HYBRID))
    assert attempts.train(folder, datasets) == 0
    told = json.loads((folder / "events.jsonl").read_text().splitlines()[-1])["results"]
    found = evaluate_folder(folder, "test", [datasets])
    assert found["test/loss"] == pytest.approx(told["test/loss"], rel=1e-5)


def test_a_data_set_of_which_nothing_fits_is_not_asked_about(datasets: Path, attempts: Attempts, tmp_path: Path) -> None:
    tasks = [small.task("causal_lm", "speeches"), small.task("instructions", "talks")]
    document = small.job("llama", tasks[0]) | {"watched": tasks}
    folder = new_folder(tmp_path / "run", document | {"model": document["model"] | {"max_tokens": 8}})
    assert attempts.train(folder, datasets) == 0
    assert set(events_of(folder, "watched")[0]["losses"]) == {"speeches"}


def test_documents_that_are_too_long_are_counted(datasets: Path, attempts: Attempts, tmp_path: Path) -> None:
    small.write(tmp_path / "mixed", [small.Sample(fields=talk(number)) for number in range(20)], ("instruction", "input", "output"))
    folder = new_folder(tmp_path / "run", small.job("llama", small.task("instructions", "mixed")))
    assert attempts.train(folder, tmp_path) == 0
    (said,) = events_of(folder, "warned")
    assert said["message"] == "6 of the 12 documents of mixed have more than 24 tokens and are left out"


def talk(number: int) -> dict[str, str]:
    return {"instruction": "Count.", "input": "", "output": "one two three " * (1 if number % 2 else 20)}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch itself, on its way to the compiler
@pytest.mark.skipif(not has_compiler(), reason="there is no C++ compiler")
def test_a_compiled_network_takes_the_same_steps(datasets: Path) -> None:
    plain, compiled = (
        training(datasets, small.job("llama", small.task("causal_lm", "speeches"), compile=wanted, regularisation={"dropout": 0}))
        for wanted in (False, True)
    )
    for _ in range(3):
        assert compiled.train_step().values["train/loss"].item() == pytest.approx(plain.train_step().values["train/loss"].item(), rel=1e-5)
    assert set(compiled.network.state_dict()) == set(plain.network.state_dict())


def test_without_a_compiler_nothing_is_compiled(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"stages.0.compile: there is no C\+\+ compiler"):
        training(datasets, small.job("llama", small.task("causal_lm", "speeches"), compile=True))


def test_a_bad_last_stage_is_refused_before_the_first_is_trained(datasets: Path, attempts: Attempts, tmp_path: Path) -> None:
    document = small.job("llama", small.task("causal_lm", "speeches"))
    stages = [document["stage"], document["stage"] | {"trainable": ["none.*"]}]
    folder = new_folder(tmp_path / "run", {"model": document["model"], "stages": stages, "quantization": None})
    assert attempts.train(folder, datasets) == 2
    assert events_of(folder, "failed")[0]["message"].startswith("stages.1.trainable")
    assert not events_of(folder, "started")


@pytest.mark.parametrize("template", ["{head} {relation} {tail}", "{{head}} {{relation}}", "{head} {relation", "{head:>9} {relation}"])
def test_a_template_has_its_two_places_and_no_others(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        StageJob.model_validate(small.job("llama", small.task("triples", "facts", template=template)))
