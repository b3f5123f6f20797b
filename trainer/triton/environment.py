"""Where NVIDIA's server lies on this machine: the environment that `make triton` makes, and the backends as this server needs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ".venv-triton"
INSIDE = Path(__file__).with_name("inside")
ASK = """
import sys, sysconfig
for fact in sysconfig.get_paths()["platlib"], sysconfig.get_config_var("LIBDIR"), "%d.%d" % sys.version_info[:2]:
    print(fact)
"""


class Missing(ValueError):
    """No Triton on this machine."""


@dataclass(frozen=True)
class Environment:
    """Its folder of programs and of packages, its Python's libraries and version (`3.11`)."""

    programs: Path
    packages: Path
    libraries: Path
    python: str

    @property
    def triton(self) -> Path:
        return self.packages / "pytriton" / "tritonserver"

    @property
    def binary(self) -> Path:
        return self.triton / "bin" / "tritonserver"

    def variables(self) -> dict[str, str]:
        """The server's Python backend embeds a Python, which takes its packages from where it finds `python3` in the PATH.

        Another environment's numpy 2 would make every answer empty. Nothing else of ours reaches the server.
        """
        kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR", "CUDA_VISIBLE_DEVICES")}
        libraries = (self.libraries, self.packages / "nvidia_pytriton.libs")
        return kept | {"PATH": joined(self.programs, os.environ.get("PATH", os.defpath)), "LD_LIBRARY_PATH": joined(*libraries)}


def joined(*paths: Path | str) -> str:
    return os.pathsep.join(map(str, paths))


def find() -> Environment:
    """`ANNEAL_TRITON` names the environment's folder; otherwise it lies in the project's. Raises Missing with what to do."""
    folder = Path(os.environ.get("ANNEAL_TRITON") or ROOT / FOLDER)
    python = folder / "bin" / "python"
    if not python.exists():
        raise Missing(f"there is no Triton in {folder}: `make triton` installs it")
    packages, libraries, version = subprocess.run([python, "-c", ASK], text=True, check=True, stdout=subprocess.PIPE).stdout.split("\n")[:3]
    found = Environment(python.parent, Path(packages), Path(libraries), version)
    if not found.binary.exists():
        raise Missing(f"{folder} holds no tritonserver: `make triton` installs it")
    return found


def lay_out_backends(environment: Environment, folder: Path) -> Path:
    """NVIDIA's Python backend with the stub of this Python, and beside it our ONNX Runtime backend, which is written for it."""
    backends = folder / "backends"
    shutil.copytree(environment.triton / "backends" / "python", backends / "python")
    stub = environment.triton / "python_backend_stubs" / environment.python / "triton_python_backend_stub"
    if not stub.exists():
        raise Missing(f"this Triton has no stub for Python {environment.python}")
    shutil.copy2(stub, backends / "python")
    (backends / "onnxruntime").mkdir()
    shutil.copy2(INSIDE / "onnxruntime_backend.py", backends / "onnxruntime" / "model.py")
    return backends
