"""A worker whose trainer is `scripts.bench.paced`."""

import sys

from workers import __main__, process

if __name__ == "__main__":
    process.TRAINER = (sys.executable, "-m", "scripts.bench.paced")
    sys.exit(__main__.main())
