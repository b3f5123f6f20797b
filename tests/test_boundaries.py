"""Who must not know whom, asked of fresh interpreters: what a process has imported when it has imported all that it needs."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import dashboard
import trainer
import workers

ROOT = Path(__file__).parent.parent
TORCH = {"torch", "transformers", "onnxruntime"}
SERVERS = {"django", "channels", "celery", "redis", "dashboard", "workers"}
WITHOUT_TORCH = (
    "config",
    "events",
    "schedule",
    "plan",
    "problems",
    "amounts",
    "parameters",
    "catalog",
    "contents",
    "manifest",
    "recipes",
    "differences",
    "quantization.gate",
    "quantization.flips",
    "quantization.measuring",
    "quantization.quality",
    "quantization.language.measuring",
    "quantization.language.quality",
    "train",
    "config.serving",
    "triton.load_test",
    "__main__",
)
START_DJANGO = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'dashboard.settings'; django.setup()"


def modules(package: object) -> list[str]:
    """Every module of the package; migrations and the entry points that run when they are imported are left out."""
    name, path = package.__name__, package.__path__  # type: ignore[attr-defined]
    found = [module.name for module in pkgutil.walk_packages(path, name + ".")]
    return [module for module in found if ".migrations" not in module and not module.endswith("__main__")]


def imported_by(code: str, tmp_path: Path) -> set[str]:
    """Returns the top-level packages that a fresh interpreter holds after running the code."""
    program = f"{code}\nimport json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    environment = {"ANNEAL_DATA": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_web_process_never_imports_torch(tmp_path: Path) -> None:
    found = imported_by(f"{START_DJANGO}\nimport dashboard.asgi, dashboard.urls, {', '.join(modules(dashboard))}", tmp_path)
    assert {"django", "channels", "trainer"} <= found
    assert not found & (TORCH | {"workers"})


def test_the_worker_never_imports_torch(tmp_path: Path) -> None:
    found = imported_by(f"{START_DJANGO}\nimport {', '.join(modules(workers))}", tmp_path)
    assert {"celery", "dashboard"} <= found
    assert not found & TORCH


def test_the_trainer_never_imports_django(tmp_path: Path) -> None:
    found = imported_by(f"import {', '.join(modules(trainer))}", tmp_path)
    assert "torch" in found
    assert not found & SERVERS


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_others_read_of_the_trainer_is_free_of_torch(module: str, tmp_path: Path) -> None:
    assert not imported_by(f"import trainer.{module}", tmp_path) & (TORCH | SERVERS)
