"""The comparison page: the answer first, what differs, and what it is honest about."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.runs.models import Run
from tests.cast import Cast
from tests.pages.working import claim, complete, train

pytestmark = pytest.mark.django_db


def page(client: Client, query: str) -> str:
    answer = client.get(f"/compare/?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def accuracies(*values: float) -> list[dict[str, float]]:
    return [{"validation/accuracy": value, "validation/loss": 1 - value} for value in values]


@pytest.fixture
def two(cast: Cast) -> tuple[Run, Run]:
    """Two runs whose stages measure different tasks, the way the example's do."""
    first, second = cast.submit("brisk-otter"), None
    complete(first, *accuracies(0.5, 0.6, 0.7))
    claim_quantization()
    second = cast.submit("vivid-maple")
    complete(second, *accuracies(0.5, 0.6, 0.75))
    claim_quantization()
    return first, second


def claim_quantization() -> None:
    """Takes the quantization out of the queue, so that the next run's stages come first."""
    assert claim().kind == "quantization"


def test_nothing_and_one_run_lead_to_a_chooser(alice: Client, two: tuple[Run, Run]) -> None:
    assert "Nothing to compare yet" in page(alice, "")
    text = page(alice, f"runs={two[0].pk}")
    assert "brisk-otter alone" in text
    assert "vivid-maple" in text


def test_the_chooser_of_a_person_without_runs_leads_to_a_new_one(alice: Client) -> None:
    assert "Start one, then compare" in page(alice, "")


def test_unknown_runs_runs_of_others_and_no_numbers_are_not_found(client: Client, cast: Cast, alice: Client, two: tuple[Run, Run]) -> None:
    assert alice.get(f"/compare/?runs={two[0].pk},999").status_code == 404
    assert alice.get("/compare/?runs=1,x").status_code == 404
    client.force_login(cast.charlie, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/compare/?runs={two[0].pk},{two[1].pk}").status_code == 404


def test_runs_come_with_commas_or_repeated(alice: Client, two: tuple[Run, Run]) -> None:
    first, second = two
    assert "Compare 2 runs" in page(alice, f"runs={first.pk},{second.pk}")
    assert "Compare 2 runs" in page(alice, f"runs={first.pk}&runs={second.pk}&runs={first.pk}")


def test_the_matrix_shows_each_stage_of_each_run_and_the_distance(alice: Client, two: tuple[Run, Run]) -> None:
    text = page(alice, f"runs={two[0].pk},{two[1].pk}")
    for part in ("Foundation", "Enhancement", "Refinement", "75.00", "+5.00", "best", "baseline"):
        assert part in text


def test_the_baseline_can_be_chosen(alice: Client, two: tuple[Run, Run]) -> None:
    assert "−5.00" in page(alice, f"runs={two[0].pk},{two[1].pk}&baseline={two[1].pk}")


def test_the_metric_is_in_the_address_and_an_unknown_one_falls_back(alice: Client, two: tuple[Run, Run]) -> None:
    runs = f"runs={two[0].pk},{two[1].pk}"
    assert "0.2500" in page(alice, f"{runs}&metric=loss")
    assert "75.00" in page(alice, f"{runs}&metric=nonsense")


def test_a_stage_without_the_metric_says_so(alice: Client, two: tuple[Run, Run]) -> None:
    assert "The stage did not measure this" in page(alice, f"runs={two[0].pk},{two[1].pk}&metric=macro_f1")


def test_a_run_still_under_way_gives_no_verdict(alice: Client, cast: Cast, two: tuple[Run, Run]) -> None:
    third = cast.submit("bold-lichen")
    train(claim(), {1: 2.0})
    assert "No verdict yet" in page(alice, f"runs={two[0].pk},{third.pk}")


def test_nine_runs_show_eight_and_say_so(alice: Client, cast: Cast) -> None:
    ids = ",".join(str(cast.submit(f"run-{number}").pk) for number in range(9))
    assert "showing 8 of 9" in page(alice, f"runs={ids}")
