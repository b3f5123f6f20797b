"""A closed loop: some clients, each of which asks again as soon as it is answered, and what they saw within a measured time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from trainer.failures import ServerFailedError
from trainer.triton.client import ANSWER_S, Answered, Client, Protocol

WARM_UP_S = 0.5
LOOK_S = 0.05


@dataclass
class Seen:
    """What all clients of a point saw, under one lock."""

    latencies_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    gone: ServerFailedError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Clients:
    """`concurrency` threads that ask one model in turn for the same requests; each begins with another."""

    def __init__(self, protocol: Protocol, address: str, model: str, given: Sequence[Mapping[str, np.ndarray]], concurrency: int) -> None:
        self.protocol, self.address, self.model, self.given = protocol, address, model, given
        self.seen, self.over, self.since = Seen(), threading.Event(), float("inf")
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(concurrency)]

    def run(self, number: int) -> None:
        try:
            with Client(self.protocol, self.address) as client:
                prepared = [client.prepared(arrays) for arrays in self.given]
                while not self.over.is_set():
                    self.ask(client, prepared[number % len(prepared)])
                    number += 1
        except ServerFailedError as error:
            self.seen.gone = self.seen.gone or error
            self.over.set()

    def ask(self, client: Client, inputs: list[object]) -> None:
        """Counts a request that began and ended within the measured time."""
        began, refused = time.perf_counter(), ""
        try:
            client.ask(self.model, inputs)
        except Answered as error:
            refused = str(error)
        ended = time.perf_counter()
        if began >= self.since and not self.over.is_set():
            with self.seen.lock:
                if refused:
                    self.seen.errors[refused] += 1
                else:
                    self.seen.latencies_s.append(ended - began)

    def measure(self, seconds: float) -> float:
        """Returns the measured seconds. Raises ServerFailedError as soon as one of the clients gets no answer."""
        try:
            for thread in self.threads:
                thread.start()
            self.over.wait(min(WARM_UP_S, seconds))
            self.since = time.perf_counter()
            self.over.wait(seconds)
            took_s = time.perf_counter() - self.since
        finally:
            self.over.set()
        self.join()
        if self.seen.gone:
            raise self.seen.gone
        return took_s

    def join(self) -> None:
        """All clients end after their present answer."""
        deadline = time.monotonic() + ANSWER_S + LOOK_S
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                raise ServerFailedError(f"Triton at {self.address} does not answer over {self.protocol}")
