"""A small exported model, its repository, and NVIDIA's server with it, for all tests of serving."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.trainer.small_export import exported
from trainer.triton.check import CONFIG
from trainer.triton.configs import MODEL
from trainer.triton.environment import Missing, find
from trainer.triton.repository import write_repository
from trainer.triton.server import Server

Changed = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("triton"))


@pytest.fixture(scope="session")
def repository(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository") / "models"
    write_repository(export, folder)
    return folder


@pytest.fixture
def changed(repository: Path, tmp_path: Path) -> Changed:
    """Returns a copy of the repository with a change in the configuration of the graph."""

    def change(old: str, new: str) -> Path:
        copy = tmp_path / "changed"
        shutil.copytree(repository, copy)
        path = copy / MODEL / CONFIG
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
        return copy

    return change


@pytest.fixture(scope="session")
def installed() -> None:
    """CI installs Triton: there it is no reason to leave anything out."""
    try:
        find()
    except Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def server(installed: None, repository: Path) -> Iterator[Server]:
    with Server(repository) as found:
        yield found
