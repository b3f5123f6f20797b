"""What the model said of single samples, the worst first, as the page lists them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from dashboard.datasets.samples import texts
from dashboard.runs.models import Evaluation
from trainer.evaluation import stored

PAGE = 20


@dataclass(frozen=True)
class Asked:
    """Which samples are shown: of a true class, answered as another, wrong ones alone; a page of them."""

    label: str = ""
    predicted: str = ""
    wrong: bool = False
    page: int = 1

    def fits(self, row: Mapping[str, Any]) -> bool:
        if self.label and row.get("label") != self.label:
            return False
        if self.predicted and row.get("predicted") != self.predicted:
            return False
        return not self.wrong or is_wrong(row)


@dataclass(frozen=True)
class Samples:
    rows: list[dict[str, Any]]
    total: int
    page: int

    @property
    def num_pages(self) -> int:
        return max(-(-self.total // PAGE), 1)

    @property
    def before(self) -> int:
        return self.page - 1

    @property
    def after(self) -> int:
        return self.page + 1 if self.page < self.num_pages else 0


def is_wrong(row: Mapping[str, Any]) -> bool:
    return row.get("exact") is False if "exact" in row else row.get("label") != row.get("predicted")


def asked_of(given: Mapping[str, str]) -> Asked:
    """What an address asks for; what it cannot mean is left out."""
    page = given.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1
    return Asked(given.get("label", ""), given.get("predicted", ""), given.get("wrong", "") == "1", max(number, 1))


def samples(evaluation: Evaluation, asked: Asked) -> Samples | None:
    """None where the file is not on this machine's disk. Raises ValueError for a file that is none of predictions."""
    path = settings.RUNS_DIR / evaluation.samples
    if not evaluation.samples or not path.is_file():
        return None
    rows, total = stored.chosen(path, asked.fits, PAGE, (asked.page - 1) * PAGE)
    return Samples(shown(rows, evaluation.split), total, asked.page)


def shown(rows: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    """With the texts of the data sets; a classifier's row says how sure it was of its answer."""
    by_dataset: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_dataset[row["dataset"]].append(row["row"])
    said = {name: texts(name, split, numbers) for name, numbers in by_dataset.items()}
    text_of: Callable[[Mapping[str, Any]], str] = lambda row: said[row["dataset"]].get(row["row"], "")  # noqa: E731
    return [{**row, "text": text_of(row), "is_wrong": is_wrong(row), "confidence": max(row.get("probabilities") or [0])} for row in rows]
