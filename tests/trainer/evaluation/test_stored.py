"""What was said of every sample is kept as it is, and read worst first, without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tests.trainer.evaluation import made
from trainer.evaluation import predictions, stored


def test_what_was_written_is_read(tmp_path: Path) -> None:
    given = made.predictions()
    predictions.write(tmp_path / "p.parquet", given)
    found = predictions.read(tmp_path / "p.parquet")
    assert found.probabilities.tolist() == given.probabilities.tolist()
    assert (found.labels.tolist(), found.predicted.tolist()) == (given.labels.tolist(), given.predicted.tolist())
    assert (found.facts, found.classes, found.task, found.split) == (given.facts, given.classes, "sentiment", "test")
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]


def test_the_worst_come_first_page_by_page_with_all_that_is_known_of_them(tmp_path: Path) -> None:
    given = made.predictions()
    predictions.write(tmp_path / "p.parquet", given)
    pages = [stored.worst(tmp_path / "p.parquet", 50, offset) for offset in (0, 50, 100, 150, 200)]
    losses = [row["loss"] for page in pages for row in page]
    assert losses == sorted(given.losses.tolist(), reverse=True)
    first = pages[0][0]
    assert first["sample"] == f"pairs/test/{given.losses.argmax()}"
    assert first["label"] != first["predicted"]
    assert sum(first["probabilities"]) == pytest.approx(1)
    assert {"dataset", "row", "num_words", "num_characters", "picture_format", "picture_mode", "width", "height"} <= set(first)


def test_a_loss_that_is_no_number_is_the_worst_and_equal_ones_keep_their_order(tmp_path: Path) -> None:
    losses = np.array([1.0, 2.0, np.nan, 2.0, np.inf])
    stored.write(tmp_path / "p.parquet", {"row": np.arange(5), "loss": losses}, {})
    assert [row["row"] for row in stored.worst(tmp_path / "p.parquet", 5)] == [2, 4, 1, 3, 0]


def test_an_impossible_label_has_a_loss_that_can_be_stored_and_compared() -> None:
    said = made.predictions(num=3)
    said.probabilities[:] = [1, 0, 0, 0]
    said.labels[:] = 1
    assert np.isfinite(said.losses).all()


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"a\.parquet is no Parquet file"):
        stored.read(tmp_path / "a.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"loss": [1.0]}), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet holds no predictions"):
        stored.worst(tmp_path / "b.parquet", 1)
    stored.write(tmp_path / "c.parquet", {"loss": [1.0]}, {"kind": "documents"})
    with pytest.raises(ValueError, match=r"c\.parquet holds documents"):
        predictions.read(tmp_path / "c.parquet")


@pytest.mark.parametrize("module", ["stored", "predictions", "classification", "documents", "saving"])
def test_reading_and_writing_need_no_torch(module: str) -> None:
    program = (
        f"import sys, trainer.evaluation.{module}; print([name for name in ('torch', 'transformers', 'sklearn') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
