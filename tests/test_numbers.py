"""Numbers as the pages write them."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard import numbers

HAIR = "\u2009"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.59361, "0.5936"), (1.4734, "1.473"), (23412, "23,412"), (1184.2, "1,184"), (0.82, "0.8200"), (0.0, "0.000"), (-0.338, "−0.3380"),
        (3e-4, "3.000e-4"), (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "−inf"), (None, "—"), ("nan", "nan"),
    ],
)  # fmt: skip
def test_numbers_have_four_significant_digits(value: float | None, text: str) -> None:
    assert numbers.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(3e-4, "3e-4"), (2.5e-5, "2.5e-5"), (0, "0"), (1e-3, "1e-3"), (None, "—")])
def test_rates_are_short(value: float | None, text: str) -> None:
    assert numbers.rate(value) == text


def test_an_exact_rate_keeps_its_digits() -> None:
    assert numbers.exact_rate(3e-4) == "3.000e-4"


@pytest.mark.parametrize(("value", "text"), [(0.72614, f"72.61{HAIR}%"), (1, f"100.00{HAIR}%"), (None, "—"), ("nan", "nan")])
def test_shares_are_percent_with_a_thin_space(value: float | str | None, text: str) -> None:
    assert numbers.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0277, "+2.77 pt"), (-0.0133, "−1.33 pt"), (0.0, "0.00 pt"), (-0.00001, "0.00 pt"), (None, "—")]
)
def test_differences_are_points_with_a_sign(value: float | None, text: str) -> None:
    assert numbers.points(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7.41, "7.4 s"), (38, "38 s"), (3484, "58 m 04 s"), (6780, "1 h 53 m"), (7200, "2 h 00 m"), (97200, "1 d 03 h"), (None, "—")],
)
def test_durations_have_two_units(seconds: float | None, text: str) -> None:
    assert numbers.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(3, "10 s"), (38, "40 s"), (58, "1 m"), (722, "12 m"), (4440, "1 h 14 m")])
def test_estimates_do_not_pretend_to_seconds(seconds: float, text: str) -> None:
    assert numbers.estimate(seconds) == text


@pytest.mark.parametrize(("ago", "text"), [(14.2, "14 s"), (372, "6 m"), (7300, "2 h"), (200_000, "2 d")])
def test_ages_have_one_unit(ago: float, text: str) -> None:
    assert numbers.age(timezone.now() - timedelta(seconds=ago)) == text


def test_what_never_happened_has_no_age() -> None:
    assert numbers.age(None) == "—"


@pytest.mark.parametrize(("size", "text"), [(85_100_000, "85.1 MB"), (512, "512 B"), (14_200_000_000, "14.2 GB"), (1_000, "1.0 kB")])
def test_sizes_are_decimal(size: int, text: str) -> None:
    assert numbers.filesize(size) == text
