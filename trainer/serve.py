"""The verb `serve`: a warm process that answers. One JSON request a line in, JSON replies a line out; it ends when its input ends."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from trainer.failures import ServerFailedError
from trainer.manifest import Damaged
from trainer.predict import answer
from trainer.predict import predict as ask
from trainer.warm import Kept, shelf

Reply = dict[str, Any]
Act = Callable[["Asked"], Reply]
Say = Callable[[Reply], None]


class Asked:
    """A request in the hands of an act, which may say how far it is. `is_unwanted`: nobody waits any more."""

    def __init__(self, fields: dict[str, Any], say: Say, unwanted: set[Any]) -> None:
        self.fields, self.unwanted = fields, unwanted
        self.say: Say = lambda reply: say({"id": fields.get("id"), **reply})

    @property
    def image(self) -> bytes | None:
        encoded = self.fields.get("image_base64")
        return base64.b64decode(encoded, validate=True) if encoded else None

    @property
    def text(self) -> str | None:
        return self.fields.get("text")

    @property
    def precision(self) -> str:
        return self.fields.get("precision") or "fp32"

    @property
    def is_unwanted(self) -> bool:
        return self.fields.get("id") in self.unwanted

    def model(self) -> Kept:
        """Says so where it has to be loaded first."""
        folder = Path(self.fields["folder"])
        if not shelf.holds(folder, self.precision):
            self.say({"state": "loading"})
        return shelf.take(folder, self.precision)


def predict(asked: Asked) -> Reply:
    """The class, its probabilities, and what the model costs."""
    kept = asked.model()
    found = answer(kept.runtime, asked.image, asked.text, asked.precision)
    return found | kept.facts(found["latency_ms"])


def explain(asked: Asked) -> Reply:
    """Why the model says so."""
    from trainer.explain.explaining import Unwanted, explain

    try:
        return explain(asked.model().runtime, asked.image, asked.text, lambda: asked.is_unwanted)
    except Unwanted as unwanted:
        return {"error": str(unwanted), "kind": "cancelled"}


def score(asked: Asked) -> Reply:
    """The probabilities of several inputs at once: `items` with `image_base64` and `text` each."""
    runtime, found = asked.model().runtime, []
    for item in asked.fields["items"]:
        each = Asked(item, asked.say, asked.unwanted)
        found.append(ask(runtime, each.image, each.text)[1])
    return {"probabilities": found}


def shrink(asked: Asked) -> Reply:
    """The picture as it is kept."""
    from trainer.data.shrinking import shrunk

    return {"image_base64": base64.b64encode(shrunk(asked.image or b"", asked.fields["side"])).decode()}


def generate(asked: Asked) -> Reply:
    """Goes on with the text; every piece is said as soon as it stands."""
    from trainer.generating import Manner, generate, load

    manner = Manner.model_validate(asked.fields.get("manner") or {})
    asked.say({"state": "loading"})
    speaker = load(Path(asked.fields["folder"]))
    return generate(speaker, asked.text or "", manner, lambda text: asked.say({"state": "said", "text": text}), lambda: asked.is_unwanted)


def list_served(asked: Asked) -> Reply:
    """The models that the Triton at `server` offers."""
    from trainer.triton.running import offered

    return {"items": offered(asked.fields["server"])}


def predict_served(asked: Asked) -> Reply:
    """What the model `served` of the Triton at `server` says."""
    from trainer.triton.running import ask

    return ask(asked.fields["server"], asked.fields["served"], asked.image, asked.text)


ACTS: dict[str, Act] = {
    "predict": predict,
    "explain": explain,
    "score": score,
    "shrink": shrink,
    "generate": generate,
    "list_served": list_served,
    "predict_served": predict_served,
}
WITHOUT_MODEL = ("shrink", "list_served", "predict_served")


def serve(requests: TextIO, replies: TextIO) -> int:
    """A request has `id`, `act` (of ACTS; `predict` otherwise), `folder`, `precision`, `image_base64` and `text` (null where the model
    does not look at it), and what the act needs beside. `{"cancel": id}` ends a request that is being worked on.

    Every reply carries the `id`. All but the last of a request have a `state`; the last one has what the act found, or `error`
    (a sentence) and `kind`: bad_input, or failed. Whatever else prints goes to standard error.
    """
    waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    unwanted: set[Any] = set()

    def say(reply: Reply) -> None:
        replies.write(json.dumps(reply, ensure_ascii=False) + "\n")
        replies.flush()

    threading.Thread(target=listen, args=(requests, waiting, unwanted), daemon=True).start()
    with contextlib.redirect_stdout(sys.stderr):
        while (line := waiting.get()) is not None:
            say(reply(line, say, unwanted))
    return 0


def listen(requests: TextIO, waiting: queue.SimpleQueue[str | None], unwanted: set[Any]) -> None:
    """Hands on requests and heeds what cancels them at once, whatever is being worked on."""
    for line in requests:
        if cancelled := cancelled_by(line):
            unwanted.add(cancelled)
        elif line.strip():
            waiting.put(line)
    waiting.put(None)


def cancelled_by(line: str) -> Any:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found.get("cancel") if isinstance(found, dict) else None


def reply(line: str, say: Say, unwanted: set[Any]) -> Reply:
    """Returns the last reply to a request; what comes before it is said."""
    request: dict[str, Any] = {}
    try:
        request = parse(line)
        return {"id": request.get("id"), **ACTS[request.get("act") or "predict"](Asked(request, say, unwanted))}
    except binascii.Error:
        return refusal(request, "image_base64 is not base64", "bad_input")
    except (Damaged, ServerFailedError) as error:
        return refusal(request, str(error), "failed")
    except ValueError as error:
        return refusal(request, str(error), "bad_input")
    except Exception as error:  # one request must not end the others
        traceback.print_exc()
        return refusal(request, f"{type(error).__name__}: {error}", "failed")
    finally:
        unwanted.discard(request.get("id"))


def refusal(request: dict[str, Any], error: str, kind: str) -> Reply:
    return {"id": request.get("id"), "error": error, "kind": kind}


def parse(line: str) -> dict[str, Any]:
    """Raises ValueError for a line that is no request."""
    request = json.loads(line)
    if not isinstance(request, dict):
        raise ValueError("a request is a JSON object")
    if (act := request.get("act") or "predict") not in ACTS:
        raise ValueError(f"there is no act {act!r}; there are {', '.join(ACTS)}")
    if act not in WITHOUT_MODEL and not isinstance(request.get("folder"), str):
        raise ValueError("a request has the `folder` of a model")
    return request
