"""What happens, in lines of text for whoever watches the terminal or the log: the trainer's standard output, beside its events."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from trainer.events import LEARNING_RATE, LOSS, SAMPLES_PER_SECOND, decode

STEP_EVERY_S = 10.0
# Why it failed, the command itself says on its way out.
WARNINGS = ("warned", "skipped", "went_back")
Fields = Mapping[str, Any]


def figure(value: float | str) -> str:
    return f"{decode(value):.4g}"


def started(event: Fields) -> str:
    origin = f", goes on from step {event['resumed_from']}" if event["resumed_from"] else ""
    trainable = f"{event['num_trainable']:,} of {event['num_parameters']:,} parameters"
    return f"trains {trainable} on {event['device']} for {event['num_steps']:,} steps{origin}"


def stepped(event: Fields) -> str:
    names = {LOSS: "loss", LEARNING_RATE: "learning rate", SAMPLES_PER_SECOND: "samples/s"}
    metrics = event["metrics"]
    return ", ".join(f"{name} {figure(metrics[metric])}" for metric, name in names.items() if metric in metrics)


def evaluated(event: Fields) -> str:
    """The figures of all tasks together; those of each stand in the events."""
    figures = {name.partition("/")[2]: figure(value) for name, value in event["metrics"].items()}
    return f"{event['split']}: " + ", ".join(f"{name} {value}" for name, value in figures.items() if "/" not in name)


def finished(event: Fields) -> str:
    """A stage ends with a checkpoint, a quantization without."""
    return f"done, the weights are in {event['checkpoint']}" if "checkpoint" in event else "done"


def measured(event: Fields) -> str:
    size, latency = event["size_bytes"] / 1e6, event["latency_ms_p50"]
    return f"{event['precision']} on {event['runtime']}: {size:.1f} MB, {latency:.2f} ms, accuracy {figure(event['accuracy'])}"


def judged(event: Fields) -> str:
    winner, drop = event["winner"], figure(event["drops"][event["winner"]])
    verdict = "passes" if event["passes"] else "does not pass"
    return f"{winner} wins with {drop} points lost and {verdict} the gate of {figure(event['max_drop'])} points"


def served(event: Fields) -> str:
    rate, p50, p99 = (figure(event[name]) for name in ("throughput_per_s", "latency_ms_p50", "latency_ms_p99"))
    return f"{event['protocol'].upper()}, {event['concurrency']} at a time: {rate} requests/s, {p50} ms, of a hundred one {p99} ms"


SENTENCES: dict[str, Callable[[Fields], str]] = {
    "preparing": lambda event: str(event["what"]),
    "warned": lambda event: str(event["message"]),
    "started": started,
    "stepped": stepped,
    "skipped": lambda event: str(event["message"]),
    "went_back": lambda event: str(event["message"]),
    "evaluated": evaluated,
    "saved": lambda event: f"saved {event['checkpoint']}, {event['size_bytes'] / 1e6:.1f} MB",
    "stopped": lambda event: f"stopped as asked, goes on from {event['checkpoint']}",
    "finished": finished,
    "measured": measured,
    "judged": judged,
    "served": served,
    "scored": lambda event: f"wrote {event['figures']}",
    "exported": lambda event: "wrote " + ", ".join(dict.fromkeys(event["files"].values())),
}


class Narrator:
    """Prints a line for each event that a person waits for; of steps one in 10 s at most."""

    def __init__(self) -> None:
        self.next_step_at = 0.0

    def tell(self, kind: str, event: Fields) -> None:
        """A terminal that has gone, or a full disk under the log, stops no training."""
        if kind in SENTENCES and (kind != "stepped" or self.is_time()):
            with contextlib.suppress(OSError):
                print(writable(f"{time.strftime('%H:%M:%S')} {level(kind)} {place(event)}{SENTENCES[kind](event)}"), flush=True)

    def is_time(self) -> bool:
        now = time.monotonic()
        if now < self.next_step_at:
            return False
        self.next_step_at = now + STEP_EVERY_S
        return True


def writable(line: str) -> str:
    """Characters that this output cannot write, such as half of one from a file's name, become question marks."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return line.encode(encoding, errors="replace").decode(encoding)


def level(kind: str) -> str:
    return "WARNING" if kind in WARNINGS else "INFO"


def place(event: Fields) -> str:
    """The stage and step that the event belongs to."""
    words = [f"{name} {event[name]}" for name in ("stage", "step") if event.get(name) is not None]
    return f"{', '.join(words)}: " if words else ""
