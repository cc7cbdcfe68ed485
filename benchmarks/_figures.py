"""Rows of a benchmark, kept as JSON beside the documentation: `scripts/bench NAME --save`; `scripts/bench report` draws them."""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
Rows = list[dict[str, Any]]
saving: list[str] = []  # the command's words once `--save` was given


def keep(name: str, rows: Rows) -> None:
    """Writes the rows with the command, the day and the machine; nothing without `--save`."""
    if not saving:
        return
    run = {"command": "scripts/bench " + shlex.join(saving), "date": str(dt.date.today()), **machine(), "rows": rows}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(run, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """`load`: of the last minute, of all that ran, the benchmark too."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {"cores": os.cpu_count(), "cpu": model, "load": round(os.getloadavg()[0], 1)}
