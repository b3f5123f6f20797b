"""What a stage may start from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer import small
from trainer import checkpoint
from trainer.config import StageJob
from trainer.manifest import MANIFEST, Damaged, write_manifest
from trainer.stage import prepare


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_pairs(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="module")
def parent(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = prepare(StageJob.model_validate(small.job(small.task("sentiment"), small.task("masked_lm"))), [datasets], 10)
    made.train_step()
    return made.save(tmp_path_factory.mktemp("parent"), is_final=True)[0]


def second(parent: Path, *tasks: dict[str, Any], **model: Any) -> StageJob:
    document = small.job(*tasks, seed=5) | {"index": 2, "parent": str(parent)}
    return StageJob.model_validate(document | {"model": document["model"] | model})


def test_the_next_stage_starts_from_the_very_weights(datasets: Path, parent: Path) -> None:
    made = prepare(second(parent, small.task("sentiment")), [datasets], 10)
    before = checkpoint.tensors(parent, "model")
    own = made.network.state_dict()
    assert {name for name in before if name not in own} == {name for name in before if name.startswith("heads.masked_lm")}
    assert all(torch.equal(tensor, before[name]) for name, tensor in own.items())


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"fusion_width": 16}, "stages.1.parent: model.fusion_width is 8 in stage-1-step-000001, and 16 here"),
        (
            {"image": small.MODEL["image"] | {"widths": [4, 16]}},
            "stages.1.parent: model.image.widths.1 is 8 in stage-1-step-000001, and 16 here",
        ),
        ({"text": small.MODEL["text"] | {"width": 32}}, "stages.1.parent: model.text.width is 16"),
    ],
)
def test_a_checkpoint_of_another_shape_is_refused_by_the_field(datasets: Path, parent: Path, model: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        prepare(second(parent, **model), [datasets], 10)


def test_what_an_older_version_did_not_know_has_its_default(datasets: Path, parent: Path, tmp_path: Path) -> None:
    older = tmp_path / parent.name
    shutil.copytree(parent, older)
    card = json.loads((older / "config.json").read_text())
    assert card["model"].pop("fusion") == "sum"
    (older / "config.json").write_text(json.dumps(card))
    (older / MANIFEST).unlink()
    write_manifest(older)
    assert prepare(second(older), [datasets], 10).step == 0
    with pytest.raises(ValueError, match=r"stages\.1\.parent: model\.fusion is 'sum' in stage-1-step-000001, and 'gated' here"):
        prepare(second(older, fusion="gated"), [datasets], 10)


def test_a_damaged_checkpoint_is_refused(datasets: Path, parent: Path, tmp_path: Path) -> None:
    torn = tmp_path / parent.name
    torn.mkdir()
    for path in parent.iterdir():
        (torn / path.name).write_bytes(path.read_bytes()[: -1 if path.name == "model.safetensors" else None])
    with pytest.raises(Damaged):
        prepare(second(torn), [datasets], 10)
