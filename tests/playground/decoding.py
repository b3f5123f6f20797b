"""Run as a program on a folder of files: judges and decodes each as a prediction does, and prints how far memory rose, in MiB."""

from __future__ import annotations

import sys
from pathlib import Path

from trainer.data.uploads import check_picture
from trainer.inputs import decode_checked

SIDE = 64


def main(folder: Path) -> None:
    before = peak()
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        try:
            check_picture(data)
            decode_checked(data, SIDE)
        except ValueError:
            continue
    print((peak() - before) / 1024)


def peak() -> int:
    """Returns KiB; what getrusage gives is that of the process that started this one, where it was more."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
