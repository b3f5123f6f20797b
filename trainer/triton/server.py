"""NVIDIA's Triton server as a child process on this machine's loopback, with a model repository loaded, for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from tritonclient import http
from tritonclient.utils import InferenceServerException

from trainer.failures import ServerFailedError
from trainer.triton.check import Refused, check_repository
from trainer.triton.environment import Environment, find, lay_out_backends

HOST = "127.0.0.1"
MEMORY = Path("/dev/shm")  # noqa: S108
START_S, LOAD_S, END_S = 60.0, 120.0, 10.0
LOOK_S = 0.05
NUM_TRIES = 3
LAST_BYTES = 4000


class Server:
    """`with Server(repository) as server`: checks the repository, starts Triton and loads every model of it.

    Raises Refused for a configuration that is wrong at any of the three levels, Missing where no Triton is installed, ServerFailedError
    when it ends by itself. Leaving ends it.
    """

    def __init__(self, repository: Path, log: Path | None = None) -> None:
        self.repository, self.log = repository.resolve(), log
        self.process: subprocess.Popen[bytes] | None = None
        self.memory = f"anneal-triton-{uuid.uuid4().hex}-"
        self.ports: tuple[int, int, int] = (0, 0, 0)

    @property
    def http(self) -> str:
        return f"{HOST}:{self.ports[0]}"

    @property
    def grpc(self) -> str:
        return f"{HOST}:{self.ports[1]}"

    @property
    def metrics(self) -> str:
        return f"{HOST}:{self.ports[2]}"

    def __enter__(self) -> Self:
        models = check_repository(self.repository)
        environment = find()
        self.folder = Path(tempfile.mkdtemp(prefix="anneal-triton-"))
        try:
            self.begin(environment)
            self.load(models)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def begin(self, environment: Environment) -> None:
        """Another process may take a free port before Triton does: then it is tried again with others."""
        backends = lay_out_backends(environment, self.folder)
        for _ in range(NUM_TRIES):
            self.start(environment, backends)
            if self.answers_soon():
                return
            said = self.last_words()
            self.stop()
            if "address already in use" not in said.lower():
                break
        raise ServerFailedError(f"Triton did not start: {said}")

    def start(self, environment: Environment, backends: Path) -> None:
        self.ports = free_ports()
        output = (self.log or self.folder / "log.txt").open("ab")
        with output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trainer.bound", str(os.getpid()), *self.command(environment, backends)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment.variables(),
                cwd=Path(__file__).parents[2],
            )

    def command(self, environment: Environment, backends: Path) -> list[str]:
        """Models are loaded by name; one that is refused does not end the server."""
        ways = dict(zip(("http", "grpc", "metrics"), self.ports, strict=True))
        return [
            str(environment.binary),
            f"--model-repository={self.repository}",
            f"--backend-directory={backends}",
            "--model-control-mode=explicit",
            f"--backend-config=python,shm-region-prefix-name={self.memory}",
            "--exit-timeout-secs=3",
            *(f"--{way}-address={HOST}" for way in ways),
            *(f"--{way}-port={port}" for way, port in ways.items()),
        ]

    def answers_soon(self) -> bool:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.is_running():
            if self.is_live():
                return True
            time.sleep(LOOK_S)
        return False

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def is_live(self) -> bool:
        with http.InferenceServerClient(self.http, connection_timeout=1, network_timeout=5) as client:
            try:
                return bool(client.is_server_live())
            except (OSError, InferenceServerException):
                return False

    def load(self, models: list[str]) -> None:
        """One after the other, so that what is refused is known by its name: level 3."""
        with http.InferenceServerClient(self.http, network_timeout=LOAD_S) as client:
            for name in models:
                try:
                    client.load_model(name)
                except InferenceServerException as error:
                    details = f" ({self.last_words()})" if "failed to poll" in error.message() else ""
                    raise Refused(3, f"Triton does not load {name}: {error.message()}{details}") from error
                except OSError as error:
                    raise ServerFailedError(f"Triton gave no answer while it loaded {name}: {self.last_words()}") from error

    def last_words(self) -> str:
        """The last line that tells of an error, or the last of all."""
        path = self.log or self.folder / "log.txt"
        lines = path.read_bytes()[-LAST_BYTES:].decode(errors="replace").splitlines() if path.exists() else []
        errors = [line for line in lines if line.startswith(("E", "error:"))]
        return (errors or lines or ["it said nothing"])[-1].strip()

    def stop(self) -> None:
        """Asks it to end, and makes it; then its Python processes, which may outlive a server that ends in the middle of a request."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        for left in self.python_processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()

    def python_processes(self) -> list[psutil.Process]:
        """They are known by the name of the shared memory, which no other server has."""
        return [each for each in psutil.process_iter(["cmdline"]) if any(self.memory in word for word in each.info["cmdline"] or ())]

    def end(self) -> None:
        """Ends it and removes what it left: a server that was killed leaves its shared memory behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in MEMORY.glob(f"{self.memory}*"):
            path.unlink(missing_ok=True)


def free_ports() -> tuple[int, int, int]:
    found: list[socket.socket] = []
    for _ in range(3):
        found.append(socket.socket())
        found[-1].bind((HOST, 0))
    first, second, third = (int(each.getsockname()[1]) for each in found)
    for each in found:
        each.close()
    return first, second, third
