"""Fields of the form, made by walking the config's models: path, words, kind, bounds, the value that was given."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from django.utils.translation import gettext as _
from pydantic.fields import FieldInfo

from dashboard.runs.form.words import CHOICES, LABELS
from trainer.catalog import Card
from trainer.config import FAMILIES, TASKS, Settings, Task, family_of

Kind = Literal["number", "rate", "choice", "text", "list", "switch"]
TAGS = ("family", "kind")
ABSENT: Any = object()


@dataclass(frozen=True)
class Option:
    """A choice of a select; one that is not offered can only be seen where it is already chosen."""

    value: str
    label: Any
    offered: bool
    columns: str = ""


@dataclass
class FormField:
    """`path` is the input's name and id. `hidden` where the value of another field makes this one meaningless."""

    path: str
    name: str
    kind: Kind
    label: Any
    help: str
    unit: str
    optional: bool
    bounds: str
    value: str
    was: str | None = None
    choices: list[tuple[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    hidden: bool = False
    locked: bool = False


@dataclass(frozen=True)
class Draft:
    """What a form shows: the document as it was typed, what it started from (`recipe`), complaints by path, the data sets there are.

    `num_taken`: how many of the first stages are taken over from another run, and with them the model.
    """

    document: Mapping[str, Any]
    recipe: Mapping[str, Any] | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    cards: Mapping[str, Card] = field(default_factory=dict)
    num_taken: int = 0

    @property
    def family(self) -> str:
        family = str(family_of(self.document.get("model", {})))
        return family if family in FAMILIES else next(iter(FAMILIES))


def leaves(model: type[Settings]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model that hold one value; parts and lists of parts have fields of their own."""
    for name, info in model.model_fields.items():
        if name not in TAGS and not holds_parts(info.annotation):
            yield name, info


def holds_parts(annotation: Any) -> bool:
    if get_origin(annotation) is not None:
        return any(holds_parts(each) for each in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, Settings)


def fields_of(model: type[Settings], prefix: str, draft: Draft) -> dict[str, FormField]:
    """Returns the model's own fields by name, for the part of the document at `prefix`."""
    return {name: make(name, info, prefix, draft) for name, info in leaves(model)}


def task_fields(prefix: str, draft: Draft) -> dict[str, FormField]:
    """The fields of every kind of task; those of other kinds than the chosen one are hidden."""
    chosen = TASKS.get(str(lookup(draft.document, f"{prefix}.kind")), Task)
    found: dict[str, FormField] = {}
    for kind in TASKS.values():
        for name, each in fields_of(kind, prefix, draft).items():
            each.hidden = name not in chosen.model_fields
            found.setdefault(name, each)
    return found


def make(name: str, info: FieldInfo, prefix: str, draft: Draft) -> FormField:
    path = f"{prefix}.{name}" if prefix else name
    default = None if info.is_required() else info.get_default()
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    recipe = lookup(draft.recipe, path, ABSENT)
    return FormField(
        path=path,
        name=name,
        kind=kind_of(info.annotation),
        label=LABELS.get(path) or LABELS[name],
        help=_(info.description) if info.description else "",
        unit=str(extra.get("unit", "")),
        optional=type(None) in get_args(info.annotation),
        bounds=bounds(info),
        value=written(lookup(draft.document, path, default)),
        was=None if recipe is ABSENT else written(recipe),
        choices=[(choice, CHOICES[choice]) for choice in choices(info.annotation)],
        errors=list(draft.errors.get(path, [])),
    )


def kind_of(annotation: Any) -> Kind:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return kind_of(next(each for each in arguments if each is not type(None)))
    if origin is Annotated:
        return kind_of(arguments[0])
    if origin is Literal:
        return "choice"
    if origin is tuple:
        return "list"
    kinds: dict[Any, Kind] = {int: "number", float: "rate", bool: "switch"}
    return kinds.get(annotation, "text")


def optional(model: type[Settings]) -> Iterator[str]:
    """The fields that may stay empty."""
    return (name for name, info in leaves(model) if type(None) in get_args(info.annotation))


def switches(model: type[Settings]) -> Iterator[str]:
    return (name for name, info in leaves(model) if kind_of(info.annotation) == "switch")


def choices(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def bounds(info: FieldInfo) -> str:
    """The limits in words, from the constraints of the field."""
    limits = {
        name: getattr(rule, name) for rule in info.metadata for name in ("ge", "gt", "le", "lt") if getattr(rule, name, None) is not None
    }
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return ", ".join(f"{signs[name]} {limit:,g}" if limit < 1e6 else f"{signs[name]} {limit:,.0f}" for name, limit in limits.items())


def lookup(document: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path; `default` where the document does not go so far."""
    for step in path.split("."):
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and len(step) < 5 and int(step) < len(document):
            document = document[int(step)]
        else:
            return default
    return document


def written(value: Any) -> str:
    """As a person would type it: 3e-4, 0.15, 32, 64, 128; a switch is on or nothing."""
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    if isinstance(value, list | tuple):
        return ", ".join(written(each) for each in value)
    if isinstance(value, float):
        return small(value) if 0 < abs(value) < 1e-3 else f"{value:.12g}"
    return str(value)


def small(value: float) -> str:
    mantissa, _e, exponent = f"{value:.11e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
