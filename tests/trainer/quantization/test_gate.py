"""The export gate: what passes, and which INT8 wins."""

from __future__ import annotations

from typing import Any

import pytest

from trainer.quantization.gate import judge


def row(precision: str, accuracy: float, ms: float = 1.0, size: int = 10) -> dict[str, Any]:
    return {"precision": precision, "accuracy": accuracy, "latency_ms_p50": ms, "size_bytes": size}


WHOLE = row("fp32", 0.700, 4.0, 40)


def test_what_loses_as_much_as_the_gate_lets_through_passes() -> None:
    gate = judge([WHOLE, row("int8_ptq", 0.694), row("int8_qat", 0.6939)], 0.6)
    assert (gate.winner, gate.passes) == ("int8_ptq", True)
    assert gate.allows("int8_ptq")
    assert not gate.allows("int8_qat")
    assert gate.drops == {"int8_ptq": pytest.approx(0.6), "int8_qat": pytest.approx(0.61)}


def test_of_those_that_pass_the_clearly_faster_one_wins() -> None:
    assert judge([WHOLE, row("int8_ptq", 0.698, 1.0), row("int8_qat", 0.700, 2.0)], 0.6).winner == "int8_ptq"


def test_of_those_that_are_about_as_fast_the_more_accurate_one_wins() -> None:
    assert judge([WHOLE, row("int8_ptq", 0.698, 1.0), row("int8_qat", 0.700, 1.1)], 0.6).winner == "int8_qat"
    assert judge([WHOLE, row("int8_ptq", 0.700, 1.1), row("int8_qat", 0.699, 1.0)], 0.6).winner == "int8_ptq"


def test_of_equal_ones_the_smaller_wins() -> None:
    assert judge([WHOLE, row("int8_ptq", 0.699, size=12), row("int8_qat", 0.699, size=11)], 0.6).winner == "int8_qat"


def test_a_fast_one_that_fails_does_not_win_over_a_slow_one_that_passes() -> None:
    gate = judge([WHOLE, row("int8_ptq", 0.600, 0.5), row("int8_qat", 0.699, 3.0)], 0.6)
    assert (gate.winner, gate.passes) == ("int8_qat", True)


def test_where_none_passes_the_most_accurate_is_named_and_not_let_through() -> None:
    gate = judge([WHOLE, row("int8_ptq", 0.690), row("int8_qat", 0.680)], 0.6)
    assert (gate.winner, gate.passes) == ("int8_ptq", False)


def test_a_gain_is_a_drop_below_nothing() -> None:
    gate = judge([WHOLE, row("int8_ptq", 0.710)], 0.0)
    assert gate.passes
    assert gate.drops["int8_ptq"] == pytest.approx(-1.0)
