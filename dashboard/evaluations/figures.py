"""The figures of an evaluation as its page shows them: the answer first, then what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.numbers import number, percent

SHADES = 8
FIELD, BOTTOM = 100.0, 100.0
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """One number, as text, and the interval that it would move in on another split of the same kind."""

    label: str
    value: str
    interval: str


@dataclass(frozen=True)
class Cell:
    """Of the confusion matrix; `shade` goes with the share of the true class."""

    true: str
    predicted: str
    count: int
    share: float
    shade: int

    @property
    def is_right(self) -> bool:
        return self.true == self.predicted


def answer(figures: Figures) -> str:
    """What the evaluation says, in one sentence."""
    if found := figures.get("classification"):
        low, high = found["intervals"]["accuracy"]
        words = {
            "accuracy": percent(found["accuracy"], 1),
            "low": percent(low, 1),
            "high": percent(high, 1),
            "n": number(found["num_samples"]),
        }
        return _("%(accuracy)s of %(n)s samples are right (95 %% interval %(low)s to %(high)s)") % words
    if found := figures.get("language"):
        words = {"value": number(found[0]["perplexity"]), "dataset": found[0]["dataset"]}
        return _("Perplexity %(value)s on %(dataset)s") % words
    split = figures.get("split", "test")
    return _("Loss %(loss)s") % {"loss": number(figures.get(f"{split}/loss"))}


def remark(figures: Figures) -> str:
    """What a reader should look at next: the hardest class, and what each modality adds."""
    found = figures.get("classification")
    if not found:
        return ""
    hardest = min(found["classes"], key=lambda each: each["f1"])
    said = _("%(name)s is the hardest class, F1 %(f1)s.") % {"name": hardest["class"].capitalize(), "f1": percent(hardest["f1"], 1)}
    if modalities := found.get("modalities"):
        lost = {name: percent(each["shuffled"], 1) for name, each in modalities["contribution"].items()}
        said += " " + _("Another sample's picture costs %(image)s points of accuracy, another one's sentence %(text)s.") % lost
    return said


def headline(figures: Figures) -> list[Figure]:
    """The figures of a classifier in front of all others."""
    found = figures.get("classification")
    if not found:
        return []
    intervals = found["intervals"]
    return [
        Figure(_("Accuracy"), percent(found["accuracy"]), between(intervals["accuracy"])),
        Figure(_("Macro F1"), percent(found["macro_f1"]), between(intervals["macro_f1"])),
        Figure(_("Weighted F1"), percent(found["weighted_f1"]), ""),
        Figure(_("Loss"), number(found["loss"]), ""),
        Figure(_("Calibration error"), percent(found["calibration"]["expected_calibration_error"]), ""),
    ]


def between(interval: Sequence[float]) -> str:
    return _("%(low)s to %(high)s") % {"low": percent(interval[0], 1), "high": percent(interval[1], 1)}


def confusion(found: Figures) -> list[tuple[str, list[Cell]]]:
    """Rows of true classes."""
    names = [each["class"] for each in found["classes"]]
    return [
        (true, [cell(true, predicted, count, sum(row)) for predicted, count in zip(names, row, strict=True)])
        for true, row in zip(names, found["confusion"], strict=True)
    ]


def cell(true: str, predicted: str, count: int, total: int) -> Cell:
    share = count / total if total else 0.0
    return Cell(true, predicted, count, share, round(share * SHADES))


def reliability(found: Figures) -> list[dict[str, Any]]:
    """Bars on a field of 100 by 100: how often the model is right at each confidence. Empty bins are left out."""
    bars = []
    for each in found["calibration"]["bins"]:
        if each["num_samples"]:
            x, width, height = FIELD * each["lower"], FIELD * (each["upper"] - each["lower"]), FIELD * each["accuracy"]
            bars.append(
                {**each, "x": round(x + 0.4, 2), "width": round(width - 0.8, 2), "y": round(BOTTOM - height, 2), "height": round(height, 2)}
            )
    return bars


BY = {
    "text_words": gettext_lazy("Words in the text"),
    "picture_kind": gettext_lazy("Kind of picture"),
    "picture_side": gettext_lazy("Longer side of the picture, pixels"),
    "dataset": gettext_lazy("Data set"),
}


def slices(found: Figures) -> list[tuple[str, list[dict[str, Any]]]]:
    """What samples are told apart by, beside the classes, which have a table of their own; what all have in common tells nothing."""
    rows = [row for row in found["slices"] if row["by"] != "class"]
    groups = [(by, list(group)) for by, group in groupby(rows, key=lambda row: row["by"])]
    return [(BY.get(by, by), group) for by, group in groups if len(group) > 1]


VIEWS = {
    "as_it_is": gettext_lazy("Picture and sentence"),
    "image_only": gettext_lazy("Picture alone"),
    "text_only": gettext_lazy("Sentence alone"),
    "shuffled_image": gettext_lazy("Another sample's picture"),
    "shuffled_text": gettext_lazy("Another sample's sentence"),
}


def views(found: Figures) -> list[dict[str, Any]]:
    """The modality check: accuracy under each view, and its distance from the whole."""
    told = (found.get("modalities") or {}).get("views", [])
    whole = next((each["accuracy"] for each in told if each["view"] == "as_it_is"), None)
    return [{**each, "label": VIEWS.get(each["view"], each["view"]), "change": each["accuracy"] - whole} for each in told]
