"""A client of a Triton server, over HTTP or gRPC, whose failures are of two kinds: an answer that is an error, and no answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from http.client import HTTPException
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from tritonclient import grpc, http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from trainer.failures import ServerFailedError

Protocol = Literal["http", "grpc"]
CONNECT_S, ANSWER_S = 5.0, 30.0
NO_ANSWER = ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.CANCELLED")


class Answered(Exception):
    """The server's own words why it does not compute a request."""


class Client:
    """One connection, for one thread. Every call raises ServerFailedError when no answer comes within `answer_s`; its sentence calls
    the server as `called` does. `is_secure` means HTTPS."""

    def __init__(self, protocol: Protocol, address: str, *, is_secure: bool = False, answer_s: float = ANSWER_S, called: str = "") -> None:
        self.protocol, self.called = protocol, called or f"Triton at {address}"
        if protocol == "http":
            self.kit: Any = http
            self.triton: Any = http.InferenceServerClient(address, connection_timeout=CONNECT_S, network_timeout=answer_s, ssl=is_secure)
        else:
            self.kit = grpc
            self.triton = grpc.InferenceServerClient(address)
        self.patience = {} if protocol == "http" else {"client_timeout": answer_s}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.triton.close()

    def prepared(self, arrays: Mapping[str, np.ndarray]) -> list[Any]:
        """Inputs that can be sent many times; arrays of objects hold bytes."""
        made = []
        for name, array in arrays.items():
            made.append(self.kit.InferInput(name, array.shape, np_to_triton_dtype(array.dtype)))
            made[-1].set_data_from_numpy(array)
        return made

    def ask(self, model: str, inputs: list[Any]) -> Any:
        """Returns the answer, whose `as_numpy(name)` gives an output. Raises Answered where the server refuses."""
        return self.call(self.triton.infer, model, inputs)

    def is_ready(self, model: str) -> bool:
        return bool(self.call(self.triton.is_model_ready, model))

    def version(self) -> str:
        found = self.call(self.triton.get_server_metadata)
        return str(found["version"] if isinstance(found, dict) else found.version)

    def executions(self, model: str) -> Counter[int]:
        """How many times the model computed a batch of each size since it was loaded, all of its versions together."""
        found: Counter[int] = Counter()
        if self.protocol == "http":
            for version in self.call(self.triton.get_inference_statistics, model)["model_stats"]:
                found.update({int(each["batch_size"]): int(each["compute_infer"]["count"]) for each in version.get("batch_stats", ())})
        else:
            for version in self.call(self.triton.get_inference_statistics, model).model_stats:
                found.update({each.batch_size: each.compute_infer.count for each in version.batch_stats})
        return found

    def call(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments, **self.patience)
        except InferenceServerException as error:
            if error.status() in NO_ANSWER:
                raise ServerFailedError(f"{self.called} does not answer over gRPC: {error.message()}") from error
            raise Answered(error.message()) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or error
            raise ServerFailedError(f"{self.called} does not answer over HTTP: {reason}") from error
