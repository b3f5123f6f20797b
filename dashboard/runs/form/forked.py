"""A fork as the form shows it: the run and the stage that it leaves from, and what it takes over and cannot change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.accounts.models import User
from dashboard.runs import fork, lifecycle
from dashboard.runs.form.complaints import Complaints, capital
from dashboard.runs.form.words import SCRIPT
from dashboard.runs.models import Run
from trainer.config import Run as Config
from trainer.problems import FieldPath

FIELD = "fork"


@dataclass(frozen=True)
class Fork:
    """`index` is the first stage that the new run trains itself, from 1."""

    parent: Run
    index: int

    @property
    def num_taken(self) -> int:
        return self.index - 1

    def completed(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document with what the page only shows and does not send."""
        taken = self.parent.config
        if not self.num_taken:
            return dict(document)
        stages = [*taken["stages"][: self.num_taken], *document["stages"]]
        return {**document, "model": taken["model"], "num_threads": taken["num_threads"], "stages": stages}

    def obstacle(self) -> Complaints:
        """What keeps anybody from forking here, whatever the config."""
        try:
            fork.stages_before(self.parent, self.index)
        except lifecycle.WrongState as error:
            return {FIELD: [str(error)]}
        return {}

    def submit(self, owner: User, name: str, config: Config) -> Run | Complaints:
        """Returns the new run, or what is wrong by the path of its field."""
        try:
            return fork.fork(self.parent, self.index, owner, name, config)
        except fork.ForkRefused as refused:
            return {path_of(path): [capital(message)] for path, message in refused.errors}
        except lifecycle.WrongState as error:
            return {FIELD: [str(error)]}

    def words(self) -> dict[str, Any]:
        """What the page's scripts say: changes are counted from the run that is forked."""
        name = {"run": self.parent.name}
        return {
            **SCRIPT,
            "oneChange": _("1 change from %(run)s") % name,
            "changes": _("{count} changes from %(run)s") % name,
        }


def path_of(path: FieldPath) -> str:
    return FIELD if path == ("stage",) else ".".join(map(str, path))
