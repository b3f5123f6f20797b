"""Which fields of the runs' configs differ, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.runs.readable import mixture, text

# What belongs to the whole run stands under stage 0.
WHOLE_RUN = 0
NOT_SETTINGS = ("name", "description")


@dataclass(frozen=True)
class Field:
    """One field and its value in every run, in the order of the runs; None where the run has no such field."""

    stage: int
    name: str
    values: tuple[str | None, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Differences:
    fields: list[Field]
    num_fields: int

    @property
    def num_same(self) -> int:
        return self.num_fields - len(self.fields)

    def of_stage(self, stage: int) -> list[Field]:
        return [field for field in self.fields if field.stage == stage]


def differences(configs: Sequence[Mapping[str, Any]]) -> Differences:
    flat = [dict(flatten(config)) for config in configs]
    keys = list(dict.fromkeys(key for fields in flat for key in fields))
    fields = [Field(stage, name, tuple(each.get((stage, name)) for each in flat)) for stage, name in keys]
    found = sorted((field for field in fields if field.differs), key=lambda field: field.stage)
    return Differences(found, len(fields))


def flatten(config: Mapping[str, Any]) -> Iterator[tuple[tuple[int, str], str]]:
    """Yields ((stage, field), value) in the words a reader sees; stage 0 is what all stages share."""
    shared = {name: value for name, value in config.items() if name not in ("stages", "model")} | config["model"]
    for name, value in leaves(shared):
        yield (WHOLE_RUN, name), value
    for index, stage in enumerate(config["stages"], 1):
        for name, value in stage_fields(stage):
            yield (index, name), value


def stage_fields(stage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Groups fall away where their name says nothing more: `schedule.peak_rate` is `peak_rate`."""
    plain = {name: value for name, value in stage.items() if name not in ("tasks", *NOT_SETTINGS)}
    schedule, regularisation = plain.pop("schedule"), plain.pop("regularisation")
    yield from leaves(plain | schedule | regularisation)
    for task in stage["tasks"]:
        yield f"{task['kind']}.data", mixture(task["sources"])
        yield from leaves({f"{task['kind']}.{name}": value for name, value in task.items() if name not in ("kind", "sources")})


def leaves(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """A field that is not set has no effect and is left out."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        elif value not in (None, ""):
            yield f"{prefix}{name}", text(value)
