"""The first line of a comparison: which stage made the difference, as far as the results and the configs can say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from dashboard.compare.differences import WHOLE_RUN, Differences
from dashboard.compare.matrix import METRICS, Matrix, result
from dashboard.runs.models import DONE, Run, Stage
from dashboard.runs.results import measured_on
from trainer import catalog

Z_95 = 1.96
CLASSIFIED = ("sentiment", "image_classification")


# What one differing stage may claim: with the interval clear of zero or unknown, or with zero inside it.
ONE_STAGE = {
    True: gettext_noop("Only %(stage)s differs: it makes %(total)s"),
    None: gettext_noop("Only %(stage)s differs: it makes %(total)s"),
    False: gettext_noop("Only %(stage)s differs: %(total)s, which is within noise"),
}


@dataclass(frozen=True)
class Share:
    """What one stage contributed to the difference."""

    index: int
    name: str
    value: float
    is_largest: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """`stage` is the index of the stage the answer is about, 0 where it is about none."""

    title: str
    detail: str
    stage: int = 0
    shares: Sequence[Share] = ()


@dataclass(frozen=True)
class Pair:
    """The baseline and the run that ended farthest ahead, or least behind, in the final result."""

    baseline: Run
    other: Run
    first: Stage
    second: Stage
    metric: str
    split: str
    place: int

    @property
    def values(self) -> tuple[float, float]:
        first, second = result(self.first, self.metric, self.split), result(self.second, self.metric, self.split)
        assert first is not None
        assert second is not None
        return first, second

    @property
    def delta(self) -> float:
        first, second = self.values
        return second - first

    @property
    def has_same_data(self) -> bool:
        return measured_on(self.first, self.baseline) == measured_on(self.second, self.other)


def verdict(matrix: Matrix, differences: Differences) -> Verdict:
    pair = best_pair(matrix)
    if pair is None:
        return Verdict(_("No verdict yet"), _("It needs the final %(metric)s of at least two runs.") % {"metric": METRICS[matrix.metric]})
    if not math.isfinite(pair.delta):
        return Verdict(_("No verdict: a result is not a number"), summary(pair, matrix))
    shares = shares_of(matrix, pair)
    title, stage = answer(pair, shares, differences, matrix)
    return Verdict(title, f"{summary(pair, matrix)} {certainty(pair)}".strip(), stage, shares)


def best_pair(matrix: Matrix) -> Pair | None:
    """Compares the last stages, on the test split where both have it."""
    finals = [run.stages.last() for run in matrix.runs]
    first = finals[0]
    if first is None:
        return None
    candidates = [pair_of(matrix, first, final, place) for place, final in enumerate(finals) if place and final]
    found = [pair for pair in candidates if pair]
    sign = -1 if "loss" in matrix.metric else 1
    return max(found, key=lambda pair: sign * pair.delta if math.isfinite(pair.delta) else -math.inf, default=None)


def pair_of(matrix: Matrix, first: Stage, second: Stage, place: int) -> Pair | None:
    """Only stages that have ended are compared; None where one has not measured the metric."""
    if first.status not in DONE or second.status not in DONE:
        return None
    for split in ("test", "validation"):
        if all(result(stage, matrix.metric, split) is not None for stage in (first, second)):
            return Pair(matrix.runs[0], matrix.runs[place], first, second, matrix.metric, split, place)
    return None


def answer(pair: Pair, shares: Sequence[Share], differences: Differences, matrix: Matrix) -> tuple[str, int]:
    """The results decide where all stages measure the same tasks, else the configs where they differ in one stage alone."""
    if not pair.has_same_data:
        return _("The last stages are measured on different data: the numbers do not compare"), 0
    if pair.delta == 0:
        return _("Both end at the same %(metric)s") % {"metric": METRICS[matrix.metric]}, 0
    if shares:
        return by_results(pair, shares, is_sure=is_outside_noise(pair))
    return by_configs(pair, differences, matrix)


def by_results(pair: Pair, shares: Sequence[Share], *, is_sure: bool | None) -> tuple[str, int]:
    largest = next(share for share in shares if share.is_largest)
    total = sum(share.value for share in shares)
    words = {"stage": largest.name, "part": points(largest.value, pair.metric), "total": points(total, pair.metric, with_unit=True)}
    if is_sure is False:
        return _("%(stage)s brings most: %(part)s of %(total)s, but all of it is within noise") % words, largest.index
    return _("%(stage)s makes the difference: %(part)s of %(total)s") % words, largest.index


def by_configs(pair: Pair, differences: Differences, matrix: Matrix) -> tuple[str, int]:
    changed = sorted({field.stage for field in differences.fields if field.values[0] != field.values[pair.place]})
    total = points(pair.delta, pair.metric, with_unit=True)
    if not changed:
        return _("The configs are the same: %(total)s is what two runs differ by") % {"total": total}, 0
    if changed == [WHOLE_RUN]:
        return _("The stages are the same, the model differs: %(total)s") % {"total": total}, 0
    names = [_("the model") if index == WHOLE_RUN else matrix.rows[index - 1].name for index in changed]
    if len(changed) == 1:
        return _(ONE_STAGE[is_outside_noise(pair)]) % {"stage": names[0], "total": total}, changed[0]
    listed = str(get_text_list(names, _("and")))
    listed = listed[:1].upper() + listed[1:]
    return _("%(total)s in the end. %(stages)s differ, so no single stage can be named") % {"total": total, "stages": listed}, 0


def shares_of(matrix: Matrix, pair: Pair) -> list[Share]:
    """What each stage added to the difference on the validation split; empty where the stages measure different tasks."""
    if len({str(measured_on(stage, run)) for run in (pair.baseline, pair.other) for stage in run.stages}) > 1:
        return []
    deltas = [row.cells[pair.place].delta for row in matrix.rows]
    if len(deltas) < 2 or any(delta is None or not math.isfinite(delta) for delta in deltas):
        return []
    known = [delta for delta in deltas if delta is not None]
    parts = [delta - before for delta, before in zip(known, [0.0, *known], strict=False)]
    sign = 1 if known[-1] >= 0 else -1
    largest = max(range(len(parts)), key=lambda place: sign * parts[place])
    names = [(row.index, row.name) for row in matrix.rows]
    return [
        Share(*name, part, place == largest, points(part, pair.metric)) for place, (name, part) in enumerate(zip(names, parts, strict=True))
    ]


def summary(pair: Pair, matrix: Matrix) -> str:
    split = _("test") if pair.split == "test" else _("validation")
    words = {"other": pair.other.name, "baseline": pair.baseline.name, "split": split, "metric": METRICS[matrix.metric]}
    words |= {"first": figure(pair.values[0], matrix.metric), "second": figure(pair.values[1], matrix.metric)}
    return _("%(other)s against %(baseline)s, %(metric)s at the end on the %(split)s split: %(second)s against %(first)s.") % words


def is_outside_noise(pair: Pair) -> bool | None:
    """Whether the 95 % interval leaves out zero; None where it cannot be computed."""
    number = num_samples(pair)
    if number is None:
        return None
    low, high = interval(*pair.values, number)
    return low > 0 or high < 0


def certainty(pair: Pair) -> str:
    """The 95 % interval in words; nothing where it cannot be computed."""
    number = num_samples(pair)
    if number is None:
        return ""
    low, high = interval(*pair.values, number)
    words = {"number": f"{number:,}", "low": points(low, pair.metric), "high": points(high, pair.metric, with_unit=True)}
    if low > 0 or high < 0:
        return _("95 %% interval %(low)s to %(high)s (normal approximation, %(number)s samples): outside noise.") % words
    return _("95 %% interval %(low)s to %(high)s (normal approximation, %(number)s samples): within noise.") % words


def interval(first: float, second: float, number: int) -> tuple[float, float]:
    """Two accuracies on `number` samples each, taken as independent; on the very same samples the truth is a little narrower."""
    spread = Z_95 * math.sqrt((first * (1 - first) + second * (1 - second)) / number)
    return second - first - spread, second - first + spread


def num_samples(pair: Pair) -> int | None:
    """How many samples the accuracy was measured on; None for other metrics, tasks that do not classify samples, other or lost data."""
    if pair.metric != "accuracy" or not pair.has_same_data:
        return None
    kind, datasets = measured_on(pair.first, pair.baseline)[0]
    cards = catalog.load([settings.DATASETS_DIR])
    if kind not in CLASSIFIED or any(name not in cards for name in datasets):
        return None
    return sum(cards[name].num_samples.get(pair.split, 0) for name in datasets) or None


def figure(value: float, metric: str) -> str:
    return f"{value:.4g}" if "loss" in metric else f"{100 * value:.2f}\u2009%"


def points(delta: float, metric: str, *, with_unit: bool = False) -> str:
    """Differences of shares in points, of losses as they are, always with their sign."""
    is_loss = "loss" in metric
    size = f"{abs(delta):.4g}" if is_loss else f"{abs(100 * delta):.2f}"
    sign = "" if float(size) == 0 else "+" if delta > 0 else "−"
    return f"{sign}{size}" + (_(" pt") if with_unit and not is_loss else "")
