"""What a load test can be asked for, and asking for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from dashboard.accounts.models import User
from dashboard.runs import lifecycle
from dashboard.runs.models import Job, LoadTest, Run
from dashboard.serving.exports import newest_export
from trainer.config.serving import LoadTestJob, Serving
from trainer.failures import complaints

# A web page names no addresses: the worker would knock at any door of its network that somebody types.
KEPT = ("precision", "entrance", "protocols", "concurrencies", "seconds", "hourly_price", "serving")
FIELDS = ("entrance", "seconds", "hourly_price")
OF_SERVING = ("max_batch_size", "max_queue_delay_us", "instances", "num_threads")


class Refused(ValueError):
    """What was asked for cannot be served; `errors` name the fields."""

    def __init__(self, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


def of_form(given: Mapping[str, str]) -> dict[str, Any]:
    """A form's texts as the document that the API takes; what was left empty keeps its default."""
    document: dict[str, Any] = {name: given[name] for name in ("precision", *FIELDS) if given.get(name)}
    if given.get("concurrencies"):
        document["concurrencies"] = given["concurrencies"].replace(",", " ").split()
    serving: dict[str, Any] = {name: given[name] for name in OF_SERVING if given.get(name)}
    if most := serving.get("max_batch_size", ""):
        preferred = Serving.model_fields["preferred_batch_sizes"].default
        serving["preferred_batch_sizes"] = [size for size in preferred if most.isdecimal() and len(most) < 6 and size <= int(most)]
    return document | {"serving": serving}


def ask(run: Run, by: User, document: Mapping[str, Any]) -> Job:
    """Queues a load test. Raises Refused, and WrongState for a run that is being deleted."""
    asked = settled(document)
    export = newest_export(run)
    if export is None:
        raise Refused(_("%(run)s has no exported model yet: quantize it first.") % {"run": run.name})
    if refusal := export.refusal(asked.precision):
        raise Refused(refusal)
    return lifecycle.ask(run, LoadTest, by, asked=asked.model_dump(mode="json", include=set(KEPT)))


def settled(document: Mapping[str, Any]) -> LoadTestJob:
    """Raises Refused with every wrong field."""
    try:
        return LoadTestJob.model_validate({**document, "export": "newest"})
    except ValidationError as error:
        errors = [{"loc": list(each["loc"]), "msg": each["msg"]} for each in error.errors(include_url=False)]
        raise Refused("; ".join(complaints(error)), errors) from error
