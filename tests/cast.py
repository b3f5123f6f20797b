"""People and runs that tests are about."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.accounts.models import Project, User
from dashboard.runs.lifecycle import submit
from dashboard.runs.models import Run
from trainer import config, recipes


@dataclass(frozen=True)
class Cast:
    project: Project
    alice: User
    erin: User
    bob: User
    charlie: User

    def submit(self, name: str = "steady-kestrel", settings: config.Run | None = None) -> Run:
        """A run of the tiny recipe without its evaluation, submitted by alice."""
        tiny = recipes.load()["sentiment-tiny"].config.model_copy(update={"evaluate": False})
        return submit(self.project, self.alice, name, settings or tiny, recipe="sentiment-tiny")
