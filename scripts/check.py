"""`make check`: formatting, lint, types, import contracts, templates, migrations, deployment settings, spelling."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        text=True,
        check=True,
        stdout=subprocess.PIPE,
    )
    return [name for name in listed.stdout.split() if "/vendor/" not in name and (ROOT / name).exists()]


def checks() -> dict[str, list[str]]:
    templates = tracked("*.html")
    return {
        "format": [f"{BIN}/ruff", "format", "--check", "."],
        "lint": [f"{BIN}/ruff", "check", "."],
        "types": [PYTHON, "-m", "mypy"],
        "imports": [f"{BIN}/lint-imports"],
        "templates": [f"{BIN}/djade", "--check", "--target-version", "5.2", *templates],
        "upgrades": [f"{BIN}/django-upgrade", "--check", "--target-version", "5.2", *tracked("dashboard/**.py")],
        "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
        "deployment": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        "spelling": [f"{BIN}/typos"],
    }


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ANNEAL_DATA": folder, "ANNEAL_HTTPS": "1", "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        for name, command in checks().items():
            print(f"== {name}", flush=True)
            if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
                failed.append(name)
    print("failed: " + ", ".join(failed) if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
