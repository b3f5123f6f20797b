"""`python -m trainer VERB` as a person types it: exit status, and one clear sentence for what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer import small
from tests.trainer.attempts import ROOT
from tests.trainer.conftest import Make

DONE, BAD_INPUT = 0, 2


def trainer(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainer", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_plan_takes_a_recipe_or_the_config_in_it(tmp_path: Path) -> None:
    recipe = json.loads((ROOT / "trainer/recipes/sentiment-tiny.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(recipe["config"]))
    assert trainer("plan", tmp_path / "config.json").stdout == trainer("plan", "trainer/recipes/sentiment-tiny.json").stdout


def test_plan_says_steps_and_rates() -> None:
    done = trainer("plan", "trainer/recipes/sentiment-tiny.json", "--json")
    assert done.returncode == DONE
    assert [stage["num_steps"] > 0 for stage in json.loads(done.stdout)["stages"]] == [True] * 3


def test_train_and_evaluate_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    datasets, folder = small.write_pairs(tmp_path / "datasets"), tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(small.job(steps=2, validation_interval=2)))
    assert trainer("train", folder, "--datasets", datasets).returncode == DONE
    done = trainer("evaluate", folder, "--datasets", datasets)
    assert 0 <= json.loads(done.stdout)["test/accuracy"] <= 1


def test_predict_names_a_class_and_probabilities_that_sum_to_one(trained: Make, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(small.picture(1, 64))
    done = trainer("predict", trained("image_and_text"), "--image", tmp_path / "picture.png", "--text", "What a day")
    answer = json.loads(done.stdout)
    assert answer["class"] in answer["probabilities"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (None, "has no config.json"),
        ("{", "config.json is not JSON"),
        (small.job(batch_size=0), "stage.batch_size"),
        (small.job(small.task("sentiment", "imagenet")), "imagenet"),
        (small.job(trainable=["none.such.*"]), "none.such.*"),
    ],
)
def test_what_is_wrong_is_named_and_costs_nothing(config: object, sentence: str, tmp_path: Path) -> None:
    small.write_pairs(tmp_path / "datasets")
    if config is not None:
        (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    done = trainer("train", tmp_path, "--datasets", tmp_path / "datasets")
    assert done.returncode == BAD_INPUT
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "checkpoints").exists()
