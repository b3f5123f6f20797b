"""A registered version: what is kept of a run, what is refused by name, and that it outlives the run."""

from __future__ import annotations

import errno
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from django.conf import settings
from safetensors.numpy import load_file, save_file

from dashboard.registry import keeping, registering
from dashboard.registry.gate import verdict_of
from dashboard.registry.models import Alias, Change, RegisteredModel, Version
from dashboard.registry.sources import source_of, sources_of
from dashboard.runs import deletion
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Evaluation, Quantization, Run, Stage
from tests.cast import Cast
from tests.registry.made import change_a_byte, finished, graph, registered, resign
from tests.runs.finished import folder, tiny, with_last_stage
from trainer import catalog
from trainer.manifest import verify

pytestmark = pytest.mark.django_db


def test_every_finished_stage_and_each_twin_of_the_last_can_be_registered(cast: Cast) -> None:
    found = sources_of(finished(cast, int8="passed"))
    assert [(source.stage.index, source.precision) for source in found] == [(1, "fp32"), (2, "fp32"), (3, "fp32"), (3, "int8")]


def test_a_stage_that_has_not_finished_cannot(cast: Cast) -> None:
    run = cast.submit("early-heron")
    assert sources_of(run) == []
    with pytest.raises(ValueError, match="Stage 1 of early-heron has not finished"):
        source_of(run, 1, "fp32")


def test_a_precision_that_is_not_there_is_refused_with_those_that_are(cast: Cast) -> None:
    with pytest.raises(ValueError, match="has no INT8; there are FP32"):
        source_of(finished(cast), 3, "int8")


def test_a_checkpoint_is_kept_whole_but_for_what_only_training_needs(cast: Cast) -> None:
    version = registered(cast, finished(cast))
    kept = version.folder / keeping.FOLDER
    assert sorted(path.name for path in kept.iterdir()) == [
        "config.json", "manifest.json", "model.safetensors", "state.json", "tokenizer.json",
    ]  # fmt: skip
    verify(kept)
    assert load_file(kept / "model.safetensors")["weight"][0, 0] == 3
    assert version.size_bytes == sum(path.stat().st_size for path in kept.iterdir())


def test_the_weights_are_not_stored_twice(cast: Cast) -> None:
    run = finished(cast)
    version = registered(cast, run)
    of_the_run = folder(run.stages[2]) / "model.safetensors"
    assert of_the_run.samefile(version.folder / "model" / "model.safetensors")


def test_where_files_have_one_name_only_they_are_copied(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(keeping.os, "link", refuse)
    version = registered(cast, finished(cast))
    verify(version.folder / "model")


def test_of_an_export_the_twin_its_card_and_its_tokenizer_are_kept(cast: Cast) -> None:
    run = finished(cast, int8="passed", int8_qat="passed")
    version = registered(cast, run, precision="int8")
    kept = version.folder / "model"
    assert sorted(path.name for path in kept.iterdir()) == ["int8.onnx", "manifest.json", "model.json", "tokenizer.json"]
    assert json.loads((kept / "model.json").read_text())["files"] == {"int8": "int8.onnx"}
    verify(kept)
    verify(settings.RUNS_DIR / f"{run.pk}/job-4/attempt-1/export")
    assert version.metrics == {"test/accuracy": 0.7238, "test/macro_f1": 0.7, "latency_ms_p50": 4.2}


def test_the_winner_is_offered_once_and_keeps_the_name_that_it_is_asked_by(cast: Cast) -> None:
    """A quantization lists it twice: as what it is, and as the INT8 that is served."""
    run = finished(cast, int8_ptq="failed", int8_qat="passed")
    place = settings.RUNS_DIR / f"{run.pk}/job-4/attempt-1/export"
    card = json.loads((place / "model.json").read_text())
    gate = {"winner": "int8_qat", "passes": True, "max_drop": 0.6, "drops": {"int8_ptq": 1.5, "int8_qat": 0.1}}
    card |= {"files": card["files"] | {"int8": "int8_qat.onnx"}, "gate": gate}
    (place / "model.json").write_text(json.dumps(card))
    resign(place)
    job = Quantization.objects.get(run=run)
    Quantization.objects.update(files=job.files | {"int8": job.files["int8_qat"]})
    assert [source.precision for source in sources_of(run)] == ["fp32", "fp32", "fp32", "int8_ptq", "int8_qat"]
    kept = json.loads((registered(cast, run, precision="int8_qat").folder / "model" / "model.json").read_text())
    assert kept["files"] == {"int8_qat": "int8_qat.onnx", "int8": "int8_qat.onnx"}
    assert kept["gate"] == gate


def test_numbers_go_on_and_are_not_given_again(cast: Cast) -> None:
    run = finished(cast)
    first, second = registered(cast, run), registered(cast, run, stage=2)
    registering.delete(second, cast.erin)
    third = registered(cast, run)
    assert [first.number, third.number] == [1, 3]
    assert not second.folder.exists()
    assert RegisteredModel.objects.count() == 1


def test_lineage_leads_back_to_run_stages_and_data(cast: Cast) -> None:
    run = finished(cast)
    Stage.objects.filter(run=run, index=3).update(inputs={"version": 1, "parent": "k2", "data": {"sentiment-pairs": "f00d"}})
    lineage = registered(cast, run).lineage
    assert (lineage["run"]["number"], lineage["run"]["name"], lineage["stage"]) == (run.number, "steady-kestrel", 3)
    assert [stage["index"] for stage in lineage["stages"]] == [1, 2, 3]
    assert lineage["stages"][2]["data"] == {"sentiment-pairs": "f00d"}
    assert lineage["data"]["sentiment-pairs"]["fingerprint"] == "f00d"
    assert lineage["code"] == {"trainer": 1, "torch": "2.13.0"}
    assert len(lineage["config"]["stages"]) == 3
    assert len(registered(cast, run, stage=1).lineage["config"]["stages"]) == 1


def test_the_licence_is_told_of_data_that_is_still_what_it_was(cast: Cast) -> None:
    run = finished(cast)
    name, card = next(iter(catalog.load().items()))
    inputs = {"version": 1, "parent": "", "data": {name: card.fingerprint}}
    Stage.objects.filter(run=run, index=1).update(inputs=inputs)
    assert registered(cast, run, stage=1).lineage["data"][name]["licence"] == card.licence
    Stage.objects.filter(run=run, index=1).update(inputs={**inputs, "data": {name: "other"}})
    assert registered(cast, run, stage=1).lineage["data"][name] == {"fingerprint": "other"}


def test_a_stage_that_was_reused_tells_who_trained_it(cast: Cast) -> None:
    first = finished(cast, "first", tiny())
    second = cast.submit("second", with_last_stage(tiny(), seed=5))
    lineage = registered(cast, second, stage=2).lineage
    assert [stage["trained_by"]["number"] for stage in lineage["stages"]] == [first.number, first.number]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_one_changed_byte_is_refused_by_name_and_leaves_nothing(cast: Cast, name: str) -> None:
    run = finished(cast)
    change_a_byte(folder(run.stages[2]) / name)
    with pytest.raises(WrongState, match=f"Not registered: {name} is not what was saved"):
        registered(cast, run)
    nothing_is_left()


def test_a_missing_file_is_refused_by_name(cast: Cast) -> None:
    run = finished(cast)
    (folder(run.stages[2]) / "model.safetensors").unlink()
    with pytest.raises(WrongState, match=r"model\.safetensors is missing"):
        registered(cast, run)
    nothing_is_left()


def test_a_folder_that_is_not_there_is_said(cast: Cast) -> None:
    run = finished(cast)
    shutil.rmtree(folder(run.stages[2]))
    with pytest.raises(WrongState, match="Not registered: the files of final are not here"):
        registered(cast, run)
    nothing_is_left()


def test_a_full_disk_is_said_and_leaves_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run = finished(cast)
    monkeypatch.setattr(keeping.os, "link", refuse)
    monkeypatch.setattr(keeping.shutil, "copyfile", refuse)
    with pytest.raises(WrongState, match=r"Not registered: No space left on device\."):
        registered(cast, run)
    nothing_is_left()


@pytest.mark.parametrize("written", [pickle.dumps({"weight": [1.0]}), b"PK\x03\x04 what torch.save writes"])
def test_a_pickle_in_place_of_safetensors_is_refused_by_name_even_where_the_manifest_fits(cast: Cast, written: bytes) -> None:
    run = finished(cast)
    path = folder(run.stages[2])
    (path / "model.safetensors").write_bytes(written)
    resign(path)
    with pytest.raises(WrongState, match=r"model\.safetensors is a pickle and no safetensors file"):
        registered(cast, run)
    nothing_is_left()


def test_an_onnx_graph_with_other_inputs_is_refused_by_name(cast: Cast) -> None:
    run = finished(cast, int8="passed")
    path = settings.RUNS_DIR / f"{run.pk}/job-4/attempt-1/export"
    onnx.save(graph(("tokens", "mask")), path / "int8.onnx")
    resign(path)
    with pytest.raises(WrongState, match=r"int8\.onnx: input picture is missing"):
        registered(cast, run, precision="int8")
    nothing_is_left()


def test_a_file_that_leads_elsewhere_is_refused(cast: Cast, tmp_path: Path) -> None:
    run = finished(cast)
    path = folder(run.stages[2])
    elsewhere = tmp_path / "secret.safetensors"
    save_file({"weight": np.zeros(2, np.float32)}, elsewhere)
    (path / "model.safetensors").unlink()
    (path / "model.safetensors").symlink_to(elsewhere)
    resign(path)
    with pytest.raises(WrongState, match=r"model\.safetensors is missing"):
        registered(cast, run)
    nothing_is_left()


def test_a_manifest_that_leads_elsewhere_is_refused(cast: Cast) -> None:
    run = finished(cast)
    path = folder(run.stages[2]) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../../secret.json"] = {"sha256": "0" * 64, "size_bytes": 1}
    path.write_text(json.dumps(manifest))
    with pytest.raises(WrongState, match="no file of the folder"):
        registered(cast, run)
    nothing_is_left()


def nothing_is_left() -> None:
    assert not Version.objects.exists()
    assert not RegisteredModel.objects.exists()
    assert not settings.MODELS_DIR.exists() or list(settings.MODELS_DIR.iterdir()) == []


def test_a_version_outlives_its_run(cast: Cast) -> None:
    run = finished(cast)
    version = registered(cast, run)
    deletion.delete(run)
    assert not Run.objects.exists()
    assert not run.folder.exists()
    version.refresh_from_db()
    assert version.run is None
    assert version.lineage["run"]["name"] == "steady-kestrel"
    assert registering.checked_archive(version).measured() == (version.digest, version.archive_bytes)


def test_what_was_measured_since_stays_when_the_run_goes(cast: Cast) -> None:
    run = finished(cast)
    version = registered(cast, run, stage=1)
    figures = {"split": "test", "test/accuracy": 0.61}
    Evaluation.objects.create(run=run, position=9, aside=True, of_stage=run.stages[0], split="test", status="completed", figures=figures)
    deletion.delete(run)
    version.refresh_from_db()
    assert version.metrics["test/accuracy"] == 0.61
    assert verdict_of(version).is_passed


def test_a_run_that_is_being_deleted_leaves_a_version_without_a_run(cast: Cast) -> None:
    run = finished(cast)
    source = source_of(run, 3, "fp32")
    deletion.hide(run)
    version = registering.register(run.project, "sentiment", source, cast.erin)
    assert version.run is None


def test_a_version_that_an_alias_points_at_is_not_deleted(cast: Cast) -> None:
    version = registered(cast, finished(cast))
    Alias.objects.create(model=version.model, name="candidate", version=version)
    with pytest.raises(WrongState, match="candidate points at sentiment v1"):
        registering.delete(version, cast.erin)
    assert version.folder.exists()


def test_what_was_registered_and_deleted_stands_in_the_trail(cast: Cast) -> None:
    version = registered(cast, finished(cast))
    registering.delete(version, cast.alice)
    told = list(Change.objects.order_by("pk").values_list("kind", "from_number", "to_number", "by__username"))
    assert told == [("registered", None, 1, "erin"), ("version_deleted", 1, None, "alice")]
