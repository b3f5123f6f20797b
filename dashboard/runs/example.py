"""Queues the example run, so that the first page has something to watch."""

from __future__ import annotations

from dashboard.accounts.models import Membership, Role
from dashboard.runs.lifecycle import submit
from dashboard.runs.models import Run
from trainer import recipes

RECIPE = "sentiment-example"


def queue_example() -> Run | None:
    """Submits the example recipe for the first owner of the first project; None where any run exists already."""
    owner = Membership.objects.filter(role=Role.OWNER).select_related("project", "user").order_by("pk").first()
    if owner is None or Run.objects.exists():
        return None
    recipe = recipes.load()[RECIPE]
    return submit(owner.project, owner.user, "example-run-1", recipe.config, recipe=recipe.id)
