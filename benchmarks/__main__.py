"""`scripts/bench NAME [options]` runs benchmarks/NAME.py; `--save` keeps its rows for `scripts/bench report`."""

import importlib
import os
import sys
from pathlib import Path

from benchmarks import _figures

os.environ.setdefault("OMP_THREAD_LIMIT", "1")
NAMES = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        print(f"usage: scripts/bench {{{'|'.join(NAMES)}}} [options]")
        return 2
    options = [word for word in sys.argv[2:] if word != "--save"]
    if len(options) < len(sys.argv) - 2:
        _figures.saving[:] = [sys.argv[1], *options]
    return int(importlib.import_module(f"benchmarks.{sys.argv[1]}").main(options) or 0)


if __name__ == "__main__":
    sys.exit(main())
