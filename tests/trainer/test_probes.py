"""Probes are asked at every checkpoint, by the weights that lie in it, and the training goes on as if nobody had asked."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.attempts import digest_of, events_of
from tests.trainer.conftest import one_stage
from trainer.data.reading import open_dataset
from trainer.predict import load, predict
from trainer.probes import FILE_NAME
from trainer.train import train

TEXT = "What a lovely day"


def trained(folder: Path, probes: list[dict[str, Any]]) -> Path:
    config = one_stage()
    config["stages"][0] |= {"checkpoint_interval": 4}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    if probes:
        (folder / FILE_NAME).write_text(json.dumps(probes))
    assert train(folder, [], lambda: False) == 0
    return folder


def test_every_checkpoint_is_asked_and_the_weights_stay_the_same(tmp_path: Path) -> None:
    image = open_dataset("composed-pairs", "test").image(3)
    probe = {"id": 7, "image_base64": base64.b64encode(image).decode(), "text": TEXT}
    asked = trained(tmp_path / "asked", [probe, {"id": 8, "image_base64": None, "text": TEXT}])
    events = events_of(asked, "probed")
    assert [event["step"] for event in events] == [4, 8, 12]
    assert [list(event["scores"]) for event in events] == [["7"]] * 3
    for event in events[1:]:
        said = predict(load(asked / "checkpoints" / f"stage-1-step-{event['step']:06d}"), image, TEXT)[1]
        assert list(event["scores"]["7"].values()) == pytest.approx(list(said.values()), abs=1e-6)
    unasked = trained(tmp_path / "unasked", [])
    assert events_of(unasked, "probed") == []
    name = "stage-1-step-000012"
    assert digest_of(asked, name) == digest_of(unasked, name)
