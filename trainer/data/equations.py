"""Makes up problems of school mathematics with their solutions, by sympy and a seed. Only who generates imports this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy  # type: ignore[import-untyped]

Pair = tuple[str, str]
Rng = np.random.Generator
X = sympy.Symbol("x")
# So many problems in a row that were there before mean that a kind has run dry.
MAX_REPEATS = 1000


def generate(count: int, seed: int) -> list[Pair]:
    """Returns `count` different (problem, solution), the kinds in turn: arithmetic, linear equations, derivatives, expansion, factors.

    `^` is the power. Raises ValueError when there are not so many different problems.
    """
    rng, found = np.random.default_rng(seed), dict[str, str]()
    kinds, repeats = list(KINDS.values()), 0
    while len(found) < count:
        problem, solution = kinds[len(found) % len(kinds)](rng)
        repeats = repeats + 1 if problem in found else 0
        if repeats > MAX_REPEATS:
            raise ValueError(f"count: {count:,} different problems cannot be made up, only {len(found):,}")
        found.setdefault(problem, solution)
    return list(found.items())


def arithmetic(rng: Rng) -> Pair:
    """Three numbers and two signs, brackets around the first or the last two."""
    first, second, third = rng.integers(2, 100, 3)
    one, other = rng.choice(["+", "-", "*"], 2)
    problem = f"({first} {one} {second}) {other} {third}" if rng.random() < 0.5 else f"{first} {one} ({second} {other} {third})"
    return problem, written(sympy.sympify(problem))


def linear(rng: Rng) -> Pair:
    """Two different slopes, and a whole solution."""
    slope, other = (int(number) for number in rng.permutation([*range(-12, 0), *range(1, 13)])[:2])
    solution, constant = int(rng.integers(-20, 21)), int(rng.integers(-50, 51))
    left, right = slope * X + constant, other * X + (slope - other) * solution + constant
    return f"solve {written(left)} = {written(right)} for x", str(solution)


def derivative(rng: Rng) -> Pair:
    """Of a cubic and a sine, cosine or exponential."""
    elementary = (sympy.sin, sympy.cos, sympy.exp)[int(rng.integers(3))]
    function = polynomial(rng, 3) + int(rng.integers(1, 10)) * elementary(int(rng.integers(1, 8)) * X)
    return f"differentiate {written(function)}", written(sympy.diff(function, X))


def expansion(rng: Rng) -> Pair:
    product = polynomial(rng, 1) * polynomial(rng, int(rng.integers(1, 3)))
    return f"expand {written(product)}", written(sympy.expand(product))


def factors(rng: Rng) -> Pair:
    sum_of_powers = sympy.expand(polynomial(rng, 1) * polynomial(rng, 1))
    return f"factor {written(sum_of_powers)}", written(sympy.factor(sum_of_powers))


def polynomial(rng: Rng, degree: int) -> Any:
    """A polynomial in x of that degree with whole coefficients, the leading one from 1 to 9, the last one never 0."""
    inner = [int(number) for number in rng.integers(-9, 10, degree - 1)]
    return sympy.Poly([int(rng.integers(1, 10)), *inner, int(rng.integers(1, 10)) * int(rng.choice([-1, 1]))], X).as_expr()


def written(expression: Any) -> str:
    return str(expression).replace("**", "^")


KINDS: dict[str, Callable[[Rng], Pair]] = {
    "arithmetic": arithmetic,
    "linear": linear,
    "derivative": derivative,
    "expansion": expansion,
    "factors": factors,
}
