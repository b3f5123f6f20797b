"""When a run can be quantized once more, and the asking for it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from dashboard.accounts.models import User
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import DONE, ENDED, Quantization, Run, Stage


def can_ask(run: Run) -> bool:
    """The run is to be quantized, all its stages are trained, and no quantization of it waits or is under way."""
    if not run.config.get("quantization") or Stage.objects.filter(run=run).exclude(status__in=DONE).exists():
        return False
    return not Quantization.objects.filter(run=run).exclude(status__in=ENDED).exists()


def ask(run: Run, by: User) -> None:
    """Queues it, with the config of the run. Raises WrongState."""
    if not can_ask(run):
        raise WrongState(_("%(run)s cannot be quantized now.") % {"run": run.name})
    lifecycle.ask(run, Quantization, by)
