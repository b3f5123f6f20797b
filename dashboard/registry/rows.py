"""The list of models: what each row shows, in a number of queries that does not grow with the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Max

from dashboard.registry.evaluated import take_newest
from dashboard.registry.figures import Figure, headline
from dashboard.registry.models import CANDIDATE, PRODUCTION, Alias, RegisteredModel, Version

FIRST = (PRODUCTION, CANDIDATE)
# Long, and shown on a version's own page alone.
LONG = ("lineage", "files")


@dataclass(frozen=True)
class Row:
    """`newest` is None once every version is deleted; `figure` is the newest one's."""

    model: RegisteredModel
    aliases: list[Alias]
    newest: Version | None

    @property
    def figure(self) -> Figure | None:
        return headline(self.newest) if self.newest else None


def rows(models: Sequence[RegisteredModel]) -> list[Row]:
    """Five queries."""
    keys = [model.pk for model in models]
    pointing: dict[int, list[Alias]] = defaultdict(list)
    for alias in Alias.objects.filter(model__in=keys).select_related("version").defer(*(f"version__{name}" for name in LONG)):
        pointing[alias.model_id].append(alias)
    newest = newest_of(keys)
    return [Row(model, in_order(pointing[model.pk]), newest.get(model.pk)) for model in models]


def newest_of(keys: Sequence[int]) -> dict[int, Version]:
    """Returns the newest version of each model. Four queries."""
    ids = Version.objects.filter(model__in=keys).order_by().values("model").annotate(newest=Max("pk")).values_list("newest", flat=True)
    found = list(Version.objects.filter(pk__in=list(ids)).select_related("owner").defer(*LONG))
    take_newest(found)
    return {version.model_id: version for version in found}


def in_order(aliases: Iterable[Alias]) -> list[Alias]:
    """Production first, then the candidate, then one's own by name."""
    return sorted(aliases, key=lambda alias: (FIRST.index(alias.name) if alias.name in FIRST else len(FIRST), alias.name))
