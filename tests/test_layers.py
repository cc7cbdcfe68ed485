"""The rings of the design: an import points to a lower or the same ring, never in a circle; edge libraries stay in one place."""

import ast
from pathlib import Path

import pytest

import mailbot

ROOT = Path(mailbot.__file__).parent
RINGS = {
    "model": 0, "sop": 1, "parsers.letters": 1, "parsers.kinds": 1, "parsers.facts": 1, "parsers.labels": 1, "parsers.values": 1, "parsers.context": 1,
    "parsers.runs": 1, "parsers.magic": 1, "parsers.headers": 1, "parsers.leaves": 1, "parsers.body": 1,
    "parsers.blocks": 1, "parsers.grids": 1, "parsers.joining": 1, "parsers.addresses": 1, "parsers.rows": 1, "parsers.fields": 1, "parsers.indonesian": 1, "parsers.asking": 1, "parsers.supplement": 2, "parsers.message": 1,
    "replies.guard": 1, "replies": 2, "parsers": 2, "mailbox": 2, "store": 2, "jobs": 2, "paper": 2,
    "work": 3, "schedule": 3, "config": 3, "cli": 3, "officecli": 3, "casecli": 3, "mailcli": 3, "diagnosis": 3, "check": 3, "check_html": 3, "demo": 3, "web": 3, "grown": 3,
}  # fmt: skip
EDGES = {"imapclient": "mailbox", "smtplib": "replies", "tesserocr": "parsers", "pypdfium2": ("parsers", "demo"),
         "sqlalchemy": ("store", "jobs", "work", "check", "grown"), "weasyprint": ("paper", "demo"), "tnefparse": "parsers", "procrastinate": "jobs", "psycopg": ("store", "jobs"),
         "starlette": "web", "uvicorn": "web", "argon2": "web"}  # fmt: skip
FILES = sorted(p for p in ROOT.rglob("*.py") if "migrations" not in p.parts)  # migrations are records, not code to read


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def ring(name: str) -> int:
    parts = name.split(".")
    return next((RINGS[key] for n in range(len(parts), 0, -1) if (key := ".".join(parts[:n])) in RINGS), 0)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return found


def own_imports(path: Path) -> set[str]:
    """Own modules; `from package import module` counts as the module only."""
    names = {name_of(p) for p in FILES}
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mailbot"):
            base = (node.module or "").removeprefix("mailbot").removeprefix(".")
            for alias in node.names:
                module = f"{base}.{alias.name}".strip(".")
                found.add(module if module in names else base)
    return found & names


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    above = {n for n in own_imports(path) if ring(n) > ring(name_of(path))}

    assert not above


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_edge_libraries_stay_in_their_package(path: Path) -> None:
    package = name_of(path).split(".")[0]
    strangers = {
        lib for lib, home in EDGES.items() if package not in home and any(i.split(".")[0] == lib for i in imports(path))
    }

    assert not strangers


def test_no_import_cycle() -> None:
    graph = {name_of(p): own_imports(p) - {name_of(p)} for p in FILES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' -> '.join((*trail, name))}"
        if name not in done:
            for other in graph.get(name, ()):
                if not name.startswith(other):  # a package imports its own modules
                    visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_and_functions_can_be_read_in_one_sitting(path: Path) -> None:
    source = path.read_text()
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > 60]

    assert source.count("\n") <= 650
    assert not long
