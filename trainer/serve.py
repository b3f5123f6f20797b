"""The verb `serve`: a warm predictor. One JSON request a line in, one JSON reply a line out; it ends when its input ends."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import sys
import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from trainer.manifest import Damaged
from trainer.predict import answer, load
from trainer.runtimes import Runtime

NUM_KEPT = 2


@lru_cache(maxsize=NUM_KEPT)
def warm(folder: str, precision: str) -> Runtime:
    return load(Path(folder), precision)


def serve(requests: TextIO, replies: TextIO) -> int:
    """A request has `id`, `folder`, `precision`, `image_base64` and `text` (null where the model does not look at it).

    The reply carries the `id` and what `predict` prints, or `error` (a sentence) and `kind`: bad_input, or failed.
    Whatever else prints goes to standard error, so that a line of output is always a reply.
    """
    with contextlib.redirect_stdout(sys.stderr):
        for line in requests:
            if line.strip():
                replies.write(json.dumps(reply(line), ensure_ascii=False) + "\n")
                replies.flush()
    return 0


def reply(line: str) -> dict[str, Any]:
    request: dict[str, Any] = {}
    try:
        request = parse(line)
        precision, encoded = request.get("precision") or "fp32", request.get("image_base64")
        image = base64.b64decode(encoded, validate=True) if encoded else None
        found = answer(warm(request["folder"], precision), image, request.get("text"), precision)
        return {"id": request.get("id"), **found}
    except binascii.Error:
        return refusal(request, "image_base64 is not base64", "bad_input")
    except Damaged as error:
        return refusal(request, str(error), "failed")
    except ValueError as error:
        return refusal(request, str(error), "bad_input")
    except Exception as error:  # one request must not end the others
        traceback.print_exc()
        return refusal(request, f"{type(error).__name__}: {error}", "failed")


def refusal(request: dict[str, Any], error: str, kind: str) -> dict[str, Any]:
    return {"id": request.get("id"), "error": error, "kind": kind}


def parse(line: str) -> dict[str, Any]:
    """Raises ValueError for a line that is no request."""
    request = json.loads(line)
    if not isinstance(request, dict) or not isinstance(request.get("folder"), str):
        raise ValueError("a request is a JSON object with a `folder`")
    return request
