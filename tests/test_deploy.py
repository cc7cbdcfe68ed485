"""What is shipped for operation fits the program: commands, options, metrics."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from mailbot import config
from mailbot.cli import app
from mailbot.grown import metrics
from mailbot.web import serve
from tests.worlds import Clock, world

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


HARDENED = [u for u in UNITS if "mailbot-backup" not in u.name]  # those that open mails, scans or pictures
OF_CHILDREN = {"setpriority", "setrlimit", "prlimit64", "seccomp"}
LANDLOCK = {f"landlock_{call}" for call in ("create_ruleset", "add_rule", "restrict_self")}


@pytest.mark.parametrize("unit", HARDENED, ids=lambda p: p.name)
def test_units_allow_what_the_limited_child_does(unit: Path) -> None:
    """Seen under systemd: without setpriority no mail is opened; with ProcSubset=pid the CPU is not recognised."""
    lines = [line for line in unit.read_text().splitlines() if not line.startswith("#")]
    filters = [line.partition("=")[2] for line in lines if line.startswith("SystemCallFilter=")]
    assert filters[-1].startswith("~") is False
    assert set(filters[-1].split()) >= OF_CHILDREN | LANDLOCK
    assert "ProcSubset=pid" not in lines


# ------------------------------------------------------------------ container

ROOT = DEPLOY.parent


def instructions(name: str) -> list[str]:
    """The arguments of all `name` instructions; lines that go on are one."""
    whole = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    return [line.partition(" ")[2] for line in whole.splitlines() if line.startswith(name + " ")]


def packages(command: str) -> set[str]:
    found = re.search(r"apt-get install -y --no-install-recommends ([^&]+)", command)
    return set(found[1].split()) if found else set()


def test_the_container_installs_what_setup_installs() -> None:
    listed = re.search(r"^packages=\((.*)\)$", (ROOT / "scripts" / "setup").read_text(), re.M)
    build, runs = (packages(c) for c in instructions("RUN") if "apt-get" in c)
    assert listed
    assert build == {"python3-venv"}
    # the image has no interpreter nor authorities of its own; the backup of a PostgreSQL asks for its client
    assert runs == {*listed[1].split(), "python3", "ca-certificates", "postgresql-client"} - build


def test_the_container_copies_what_the_build_needs() -> None:
    sources = {w for line in instructions("COPY") if not line.startswith("--from") for w in line.split()[:-1]}
    let = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = re.search(r"'\.\[(.*)\]'", " ".join(instructions("RUN")))
    assert sources == let and all((ROOT / name).exists() for name in sources)
    assert asked and set(asked[1].split(",")) == extras.keys() - {"dev"}


def test_the_container_starts_a_command_and_its_check_sees_the_pages_end(tmp_path: Path) -> None:
    (start,), (check,), (port,) = instructions("CMD"), instructions("HEALTHCHECK"), instructions("EXPOSE")
    assert json.loads(start)[0] in get_command(app).commands
    assert int(port) == config.WebSection().port

    words = json.loads(check.partition(" CMD ")[2])
    with serve.beside(world(tmp_path, Clock(), web=config.WebSection(port=0))) as address:
        asked = words[-1].replace(f"http://127.0.0.1:{port}/", address)
        assert asked != words[-1]
        assert subprocess.run([sys.executable, *words[1:-1], asked], timeout=30).returncode == 0
    assert subprocess.run([sys.executable, *words[1:-1], asked], timeout=30, capture_output=True).returncode == 1


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
