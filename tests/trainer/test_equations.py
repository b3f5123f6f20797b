"""The solutions that come with the problems are right, by plain arithmetic instead of algebra."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from trainer.data.equations import KINDS, generate

PLACES = (-1.7, -0.3, 0.4, 1.1, 2.3)
FUNCTIONS = {"sin": math.sin, "cos": math.cos, "exp": math.exp}
FOUND = generate(300, 5)


def value(expression: str, x: float = 0.0) -> float:
    """Python reads the expressions as they are, but for the power."""
    return eval(expression.replace("^", "**"), {"__builtins__": {}}, {"x": x, **FUNCTIONS})  # noqa: S307


def starting(word: str) -> list[tuple[str, str]]:
    return [(problem.removeprefix(word), solution) for problem, solution in FOUND if problem.startswith(word)]


def test_the_kinds_come_in_turn() -> None:
    words = Counter(problem.split()[0] for problem, _ in FOUND)
    assert [words[word] for word in ("solve", "differentiate", "expand", "factor")] == [60] * 4
    assert len(KINDS) == 5


def test_arithmetic_is_right() -> None:
    found = [(problem, solution) for problem, solution in FOUND if problem[0] in "(0123456789"]
    assert len(found) == 60
    for problem, solution in found:
        assert value(problem) == int(solution)


def test_the_solution_of_a_linear_equation_makes_both_sides_equal_and_another_number_does_not() -> None:
    for problem, solution in starting("solve "):
        left, right = problem.removesuffix(" for x").split(" = ")
        assert value(left, int(solution)) == value(right, int(solution))
        assert value(left, int(solution) + 1) != value(right, int(solution) + 1)


def test_a_derivative_is_the_slope() -> None:
    for problem, solution in starting("differentiate "):
        for x in PLACES:
            slope = (value(problem, x + 1e-5) - value(problem, x - 1e-5)) / 2e-5
            assert slope == pytest.approx(value(solution, x), rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("word", ["expand ", "factor "])
def test_expanding_and_factoring_change_no_value(word: str) -> None:
    for problem, solution in starting(word):
        for x in PLACES:
            assert value(problem, x) == pytest.approx(value(solution, x), rel=1e-9, abs=1e-9)


def test_what_was_expanded_has_no_brackets_and_what_was_factored_has() -> None:
    assert all("(" in problem and "(" not in solution for problem, solution in starting("expand "))
    assert all("(" not in problem and "(" in solution for problem, solution in starting("factor "))


def test_no_problem_comes_twice_and_a_seed_fixes_all() -> None:
    assert len(dict(FOUND)) == 300
    assert generate(50, 5) == FOUND[:50]
    assert generate(50, 6) != FOUND[:50]


def test_more_problems_than_there_are_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.equations.KINDS", {"few": lambda rng: (f"{rng.integers(3)} + 1", "?")})
    with pytest.raises(ValueError, match=r"count: 10 different problems cannot be made up, only 3"):
        generate(10, 0)
