"""All of Anneal in a folder of its own on free ports, with a trainer that keeps a pace: what the benchmarks of the live path measure."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, TypeVar

from dashboard.start.embedded import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
Thing = TypeVar("Thing")


def wait_for(found: Callable[[], Thing], patience_s: float = PATIENCE_S) -> Thing:
    """Returns the first true answer. Raises TimeoutError."""
    deadline = time.monotonic() + patience_s
    while not (thing := found()):
        if time.monotonic() > deadline:
            raise TimeoutError("waited in vain")
        time.sleep(0.05)
    return thing


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Stack:
    """`with Stack(pace=50) as stack:` starts message server, web server and worker; all of it ends with the block."""

    worker_module = "scripts.bench.paced_worker"

    def __init__(self, pace: float = 50, burst: int = 1) -> None:
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="anneal-bench-")), free_port()
        mine = {"ANNEAL_DATA": str(self.folder), "ANNEAL_PORT": str(self.port), "ANNEAL_EXAMPLE_RUN": "0"}
        paced = {"ANNEAL_BENCH_PACE": str(pace), "ANNEAL_BENCH_BURST": str(burst)}
        self.environment = {**os.environ, **mine, **paced, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
        for name in ("DATABASE_URL", "REDIS_URL", "ANNEAL_HOST"):
            self.environment.pop(name, None)
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Stack:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        script = "import django; django.setup(); from dashboard.start import embedded; print('\\0'.join(embedded.configure()))"
        self.spawn("valkey", *self.output("-c", script).strip().split("\0"))
        script = "import django; django.setup(); from dashboard.start import embedded; embedded.wait_until_ready()"
        self.output("-c", script)
        self.login = re.findall(r"(?:First login|Password): +(\S+)", self.output("manage.py", "prepare"))
        script = "import django; django.setup(); from dashboard.start import services; print('\\0'.join(services.web().command))"
        self.web = self.spawn("web", *self.output("-c", script).strip().split("\0"))
        self.worker = self.spawn("worker", sys.executable, "-m", self.worker_module)
        wait_for(lambda: answers(f"{self.address}/healthz"))
        self.token = self.output("manage.py", "token", self.login[0]).split()[-1]

    def spawn(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def output(self, *words: str) -> str:
        done = subprocess.run([sys.executable, *words], cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True)
        return done.stdout

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: Any = None) -> Any:
        """GET, or POST where there is a body."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def submit(self, steps: int) -> int:
        """A run of one stage; returns its id once it moves."""
        run = self.queue(steps)
        wait_for(lambda: self.ask(f"runs/{run}/stages")["items"][0]["last_step"] > 0)
        return run

    def queue(self, steps: int) -> int:
        change = {"steps": steps, "validation_interval": steps, "checkpoint_interval": steps}
        recipe = next(each for each in self.ask("recipes")["items"] if each["id"] == "sentiment-tiny")["config"]
        config = {**recipe, "stages": [{**recipe["stages"][0], **change}], "quantization": None}
        return int(self.ask("runs", {"config": config, "reuse": False})["id"])

    def cookie(self) -> str:
        """The session of the first login, as a browser would send it."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar := CookieJar()))
        with browser.open(f"{self.address}/sign-in/"):
            given = {cookie.name: cookie.value or "" for cookie in jar}
        form = {"username": self.login[0], "password": self.login[1], "csrfmiddlewaretoken": given["csrftoken"]}
        with browser.open(f"{self.address}/sign-in/", urllib.parse.urlencode(form).encode()):
            return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
