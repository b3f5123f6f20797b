"""A whole Anneal on free ports, in a folder and a database of its own: each server and the worker may be ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import psycopg

from tests.processes import ROOT, free_port, wait_for
from tests.servers import Server


class Installation:
    """Started with `start`, ended with `stop`; `username` and `password` are the first login."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.valkey = Server(folder)
        self.database = Database(os.environ.get("DATABASE_URL", ""))
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None
        self.username = self.password = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        mine = {"ANNEAL_DATA": str(self.folder), "ANNEAL_PORT": str(self.port), "ANNEAL_EXAMPLE_RUN": "0", "REDIS_URL": self.valkey.url}
        return {**os.environ, **mine, **self.database.environment, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}

    def start(self, *, has_worker: bool = True) -> None:
        said = subprocess.run(
            [sys.executable, "manage.py", "prepare"], cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout
        found = re.search(r"First login: (\S+)\nPassword: +(\S+)", said)
        assert found, said
        self.username, self.password = found.groups()
        self.start_web()
        if has_worker:
            self.start_worker()

    def run(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def start_web(self) -> None:
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--ws-per-message-deflate", "false", "--log-level", "warning"]
        self.web = self.run("web", "-m", "uvicorn", "dashboard.asgi:application", *options)
        wait_for(lambda: self.status("/sign-in/") == 200)

    def start_worker(self) -> None:
        self.worker = self.run("worker", "-m", "workers")
        wait_for(lambda: self.status("/healthz") == 200)

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def token(self) -> str:
        command = [sys.executable, "manage.py", "token", self.username]
        return subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True).stdout.split()[-1]

    def stop(self) -> None:
        for process in (self.worker, self.web):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (self.worker, self.web):
            if process:
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
        self.valkey.kill()
        self.database.drop()


class Database:
    """A new database on the Postgres server that `server` names, or (nothing named) SQLite in the installation's folder."""

    def __init__(self, server: str) -> None:
        self.server, self.name = server, f"anneal_{uuid.uuid4().hex}" if server else ""
        self.execute(f"CREATE DATABASE {self.name}")

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": f"{self.server.rpartition('/')[0]}/{self.name}"} if self.server else {}

    def drop(self) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        if self.server:
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(statement.encode())
