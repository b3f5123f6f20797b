"""Where two documents differ."""

from __future__ import annotations

from trainer.differences import differences


def test_differences_are_the_paths_and_values_of_single_fields() -> None:
    before = {"a": 1, "b": [{"c": 1}, {"c": 2}], "d": [1], "f": 4}
    after = {"a": 1, "b": [{"c": 1}, {"c": 3}], "d": [1, 2], "e": 0}
    assert list(differences(before, after)) == [(("b", 1, "c"), 2, 3), (("d",), [1], [1, 2]), (("f",), 4, None), (("e",), None, 0)]


def test_paths_go_on_from_a_given_one() -> None:

    assert list(differences({"a": {"b": 1}}, {"a": 1}, ("model",))) == [(("model", "a"), {"b": 1}, 1)]
