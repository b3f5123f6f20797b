"""What an error says of the place in the run that it is about."""

from __future__ import annotations

import pytest

from trainer.failures import in_stage


def test_an_error_about_a_field_says_in_which_stage_it_stands() -> None:
    with pytest.raises(ValueError, match=r"^stages\.2\.precision: fp16 needs a GPU$"), in_stage(3):
        raise ValueError("precision: fp16 needs a GPU")


def test_an_error_that_names_no_field_is_given_one() -> None:
    with (
        pytest.raises(ValueError, match=r"^stages\.0\.tasks\.1\.sources\.0\.dataset: nothing is left$"),
        in_stage(1, "tasks.1.sources.0.dataset"),
    ):
        raise ValueError("nothing is left")


def test_what_the_person_did_not_give_wrong_stays_as_it_is() -> None:
    with pytest.raises(RuntimeError, match=r"^out of memory$"), in_stage(1):
        raise RuntimeError("out of memory")
