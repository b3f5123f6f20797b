"""A checkpoint is whole or not there, and a changed byte in it is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from trainer import checkpoint
from trainer.manifest import MANIFEST, Damaged, verify


def write(folder: Path, stage: int, step: int) -> Path:
    path = folder / checkpoint.name_of(stage, step)
    checkpoint.write(path, {"model": {"weight": torch.arange(6.0).reshape(2, 3).T}}, {"state": {"step": step}, "tokenizer": '{"a": 1}'})
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, 1, 5)
    verify(path)
    assert checkpoint.tensors(path, "model")["weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert checkpoint.document(path, "state") == {"step": 5}
    assert checkpoint.document(path, "tokenizer") == {"a": 1}


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "tokenizer.json"])
def test_one_changed_byte_is_refused_by_name(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, 1, 5)
    data = bytearray((path / name).read_bytes())
    data[-2] ^= 1
    (path / name).write_bytes(data)
    with pytest.raises(Damaged, match=f"stage-1-step-000005: {name}"):
        verify(path)


@pytest.mark.parametrize("name", ["model.safetensors", MANIFEST])
def test_a_missing_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, 1, 5)
    (path / name).unlink()
    with pytest.raises(Damaged, match=name):
        verify(path)


def test_the_newest_two_of_a_stage_are_kept_and_other_stages_left_alone(tmp_path: Path) -> None:
    for stage, step in ((1, 40), (2, 9), (2, 10), (2, 100)):
        write(tmp_path, stage, step)
    (tmp_path / ".stage-2-step-000050.partial").mkdir()
    checkpoint.prune(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stage-1-step-000040", "stage-2-step-000010", "stage-2-step-000100"]


def test_checkpoints_that_were_due_are_spared_where_a_stage_may_go_back(tmp_path: Path) -> None:
    for step in (10, 20, 30, 31, 32, 33):
        write(tmp_path, 1, step)
    checkpoint.prune(tmp_path, 1, interval=10)
    assert [checkpoint.step_of(path) for path in checkpoint.of_stage(tmp_path, 1)] == [33, 32, 30, 20]


def test_newest_goes_by_stage_and_step_as_numbers(tmp_path: Path) -> None:
    for stage, step in ((1, 999_999), (2, 999_999), (2, 1_000_000)):
        write(tmp_path / "checkpoints", stage, step)
    assert checkpoint.newest(tmp_path).name == "stage-2-step-1000000"
    assert [checkpoint.step_of(path) for path in checkpoint.of_stage(tmp_path / "checkpoints", 2)] == [1_000_000, 999_999]


def test_a_folder_without_checkpoints_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no checkpoint"):
        checkpoint.newest(tmp_path)


def test_what_could_not_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        checkpoint.write(tmp_path / "stage-1-step-000001", {"model": {"weight": torch.ones(3)}}, {"state": object()})
    assert list(tmp_path.iterdir()) == []
