"""What is shipped for operation fits the program: commands, options, metrics."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from mailbot.cli import app
from mailbot.grown import metrics

DEPLOY = Path(__file__).parents[1] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_units_start_commands_that_exist(unit: Path) -> None:
    lines = re.findall(r"^Exec\w+=\S+/mailbot (.*)$", unit.read_text(), re.M)
    assert lines
    for line in lines:
        command, words = get_command(app), line.split()
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {o for p in command.params for o in p.opts}
        assert {w for w in words if w.startswith("--")} <= options


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_units_have_no_unknown_directive(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@.", "@1.")
    copy.write_text(unit.read_text().replace("/opt/mailbot/.venv/bin/mailbot", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60
    )
    assert "Unknown" not in done.stderr and "Invalid" not in done.stderr


def test_alerts_ask_for_metrics_that_exist() -> None:
    asked = set(re.findall(r"mailbot_[a-z_]+", (DEPLOY / "prometheus" / "alerts.yml").read_text()))
    assert asked and asked <= {"mailbot_up", *(name for name, *_ in metrics.GAUGES)}


def test_every_metric_is_described_for_operators() -> None:
    told = (DEPLOY.parent / "docs" / "operating.md").read_text()
    assert all(f"`{name}`" in told for name in ("mailbot_up", *(n for n, *_ in metrics.GAUGES)))
