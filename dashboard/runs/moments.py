"""What an event of the time line says to a reader: icon, tone and sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.numbers import filesize, number, percent
from dashboard.runs.models import Event, Kind


@dataclass(frozen=True)
class Moment:
    """An event, ready to be shown; `colour` is the stage's, 0 for the run itself or a quantization."""

    event: Event
    stage: int
    colour: int
    attempt: int
    icon: str
    tone: str
    sentence: str
    detail: str

    @property
    def unix(self) -> float:
        return self.event.at.timestamp()


def moment(event: Event, num_stages: int) -> Moment:
    position = event.attempt.job.position if event.attempt else 0
    stage = position if position <= num_stages else 0
    icon, tone = LOOKS.get(event.kind, ("info", ""))
    sentence = done(event) if event.kind == "finished" and not stage else SENTENCES.get(event.kind, unknown)(event)
    attempt = event.attempt.number if event.attempt else 0
    return Moment(event, stage, (stage - 1) % 5 + 1 if stage else 0, attempt, icon, tone, sentence, detail(event))


LOOKS = {
    "preparing": ("clock", ""),
    "started": ("play", ""),
    "evaluated": ("circle-check", ""),
    "saved": ("save", ""),
    "stopped": ("circle-stop", ""),
    "stop_requested": ("circle-stop", ""),
    "resumed": ("play", ""),
    "retried": ("rotate-ccw", ""),
    "reused": ("repeat", ""),
    "asked": ("clock", ""),
    "skipped": ("skip-forward", "warning"),
    "went_back": ("undo-2", "warning"),
    "warned": ("triangle-alert", "warning"),
    "failed": ("circle-x", "worse"),
    "lost": ("unplug", "worse"),
    "finished": ("circle-check", "better"),
    "exported": ("boxes", "better"),
    "serving": ("server", ""),
    "served": ("circle-check", ""),
}


def done(event: Event) -> str:
    """Of a job that is no stage."""
    return _("%(job)s done") % {"job": event.attempt.job.get_kind_display() if event.attempt else _("Job")}


def asked(event: Event) -> str:
    what = dict(Kind.choices).get(event.data.get("what"), _("Job"))
    return _("%(person)s asked for: %(job)s") % {"person": event.data.get("by", ""), "job": what}


def at_step(event: Event) -> str:
    return number(event.step or 0)


def started(event: Event) -> str:
    if event.data.get("resumed_from"):
        return _("Went on from checkpoint %(step)s") % {"step": number(event.data["resumed_from"])}
    return _("Started on %(device)s") % {"device": event.data.get("device") or _("a worker")}


def evaluated(event: Event) -> str:
    metrics, split = event.data.get("metrics", {}), event.data.get("split", "validation")
    figures = {"step": at_step(event), "loss": number(metrics.get(f"{split}/loss"))}
    accuracy = metrics.get(f"{split}/accuracy")
    if accuracy is None:
        return _("Validation at %(step)s: loss %(loss)s") % figures
    figures["accuracy"] = percent(accuracy)
    if split == "test":
        return _("Tested: accuracy %(accuracy)s, loss %(loss)s") % figures
    return _("Validation at %(step)s: accuracy %(accuracy)s, loss %(loss)s") % figures


def saved(event: Event) -> str:
    return _("Checkpoint %(step)s, %(size)s") % {"step": at_step(event), "size": filesize(event.data.get("size_bytes"))}


def reused(event: Event) -> str:
    runs = ", ".join(f"#{number}" for number in event.data.get("numbers", []))
    count = event.data.get("num_stages", 1)
    return ngettext("Stage 1 reused from run %(runs)s", "Stages 1 to %(count)s reused from run %(runs)s", count) % {
        "count": count,
        "runs": runs,
    }


def skipped(event: Event) -> str:
    return _("Loss is no number at %(step)s, drawn from %(sources)s: step skipped") % {"step": at_step(event), "sources": sources(event)}


def served(event: Event) -> str:
    words = {"protocol": {"http": "HTTP", "grpc": "gRPC"}.get(event.data.get("protocol", ""), ""), "count": event.data.get("concurrency")}
    words |= {"rate": number(event.data.get("throughput_per_s")), "p99": number(event.data.get("latency_ms_p99"), 3)}
    return _("%(protocol)s, %(count)s at a time: %(rate)s requests/s, p99 %(p99)s ms") % words


def went_back(event: Event) -> str:
    words = {"step": at_step(event), "sources": sources(event), "good": number(event.data.get("last_good") or 0)}
    return _("Loss is no number at %(step)s, drawn from %(sources)s: went back to checkpoint %(good)s") % words


def sources(event: Event) -> str:
    return ", ".join(event.data.get("sources") or []) or _("unknown data")


def unknown(event: Event) -> str:
    return str(event.data.get("message") or event.kind.replace("_", " "))


SENTENCES: dict[str, Callable[[Event], str]] = {
    "preparing": lambda event: str(event.data.get("what") or _("preparing")).capitalize(),
    "started": started,
    "evaluated": evaluated,
    "saved": saved,
    "stopped": lambda event: _("Stopped and saved at %(step)s") % {"step": at_step(event)},
    "stop_requested": lambda event: _("%(person)s asked to stop") % {"person": event.data.get("by", "")},
    "resumed": lambda event: _("%(person)s resumed the run") % {"person": event.data.get("by", "")},
    "retried": lambda event: _("%(person)s asked to try again") % {"person": event.data.get("by", "")},
    "reused": reused,
    "asked": asked,
    "skipped": skipped,
    "went_back": went_back,
    "failed": lambda event: _("Failed: %(message)s") % {"message": event.data.get("message", "")},
    "lost": lambda event: (
        _("Lost %(worker)s at %(step)s") % {"worker": event.data.get("worker") or _("its worker"), "step": at_step(event)}
    ),
    "finished": lambda event: _("Stage done at %(step)s") % {"step": at_step(event)},
    "serving": lambda event: _("Served by Triton %(version)s") % {"version": event.data.get("triton", "")},
    "served": served,
    "exported": lambda event: _("Exported: %(names)s") % {"names": ", ".join(event.data.get("files", {}))},
}


def detail(event: Event) -> str:
    """What the tooltip adds: the whole path or message."""
    return str(event.data.get("checkpoint") or event.data.get("message") or "")
