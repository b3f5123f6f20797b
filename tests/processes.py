"""Anneal as a person starts it: `manage.py up` in a folder of its own, spoken to by HTTP, its processes found by their parents."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import cached_property
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parent.parent
PATIENCE_S = 120
LOOK_S = 0.1
Thing = TypeVar("Thing")


def wait_for(found: Callable[[], Thing], patience_s: float = PATIENCE_S) -> Thing:
    """Returns the first true answer."""
    deadline = time.monotonic() + patience_s
    while not (thing := found()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(LOOK_S)
    return thing


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def processes() -> dict[int, tuple[int, str]]:
    """Returns parent and command line by process id; those that have ended and only wait to be fetched are left out."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(folder.name)] = (int(parent), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def descendants(pid: int) -> dict[int, str]:
    everybody = processes()
    found: dict[int, str] = {}
    new = {pid}
    while new := {child for child, (parent, _) in everybody.items() if parent in new}:
        found |= {child: everybody[child][1] for child in new}
    return found


class Anneal:
    """One start of all of Anneal; `folder` keeps its data from start to start."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.port = folder, free_port()
        self.environment = {
            **os.environ,
            "ANNEAL_DATA": str(folder),
            "ANNEAL_PORT": str(self.port),
            "ANNEAL_EXAMPLE_RUN": "0",
            **environment,
        }
        for name in ("DATABASE_URL", "REDIS_URL", "ANNEAL_HOST"):
            self.environment.pop(name, None)
        self.lines: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    def start(self) -> None:
        """Returns when it says that it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines, ready = [], queue.SimpleQueue[bool]()
        self.reader = threading.Thread(target=self.read, args=(ready,), daemon=True)
        self.reader.start()
        assert ready.get(timeout=PATIENCE_S), "".join(self.lines)

    def read(self, ready: queue.SimpleQueue[bool]) -> None:
        """The message that it is ready stands between two bars."""
        assert self.process.stdout
        bars = 0
        for line in self.process.stdout:
            self.lines.append(line)
            if line.strip() and set(line.strip()) == {"-"}:
                bars += 1
            if bars == 2:
                ready.put(True)
        ready.put(False)

    def children(self) -> dict[int, str]:
        return descendants(self.process.pid)

    def pid_of(self, *words: str) -> int:
        """Returns the process whose command line has all the words; waits until there is one."""
        return wait_for(lambda: next((pid for pid, command in self.children().items() if all(word in command for word in words)), 0))

    def kill(self, *words: str) -> None:
        os.kill(self.pid_of(*words), signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ends it and returns its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        assert self.process.stdout
        self.process.stdout.close()
        return status

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Asks the API as the first login."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}api/v1/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    @cached_property
    def cookie(self) -> str:
        """The session of the first login, as a browser would send it."""
        password = next(line for line in self.lines if line.startswith("Password:")).split()[1]
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar := CookieJar()))
        with browser.open(f"{self.address}sign-in/", timeout=30):
            given = {cookie.name: cookie.value or "" for cookie in jar}
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": given["csrftoken"]}
        with browser.open(f"{self.address}sign-in/", urllib.parse.urlencode(form).encode(), timeout=30):
            return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)

    @cached_property
    def token(self) -> str:
        return self.manage("token", "admin").stdout.strip()
