"""Imports point down only, and what is heavy is loaded when a command needs it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "coach").rglob("*.py"))

#: What the modules of each layer may import of the project, beside errors and version.
MAY_IMPORT = {
    "errors": set(),
    "version": set(),
    "models": {"models"},
    "core": {"core", "models"},
    "edges": {"edges", "core", "models"},
    "judges": {"judges", "core", "models"},
    "reports": {"reports", "core", "models"},
    "usecases": {"usecases", "core", "models"},
    "cli": {"cli", "usecases", "reports", "judges", "edges", "core", "models"},
}
EVERYBODY = {"errors", "version"}
#: What `coach --help` must not pay for.
HEAVY = {
    "openai", "httpx", "httpx2", "pydantic", "rich", "numpy", "scipy", "tiktoken", "sqlalchemy", "alembic", "jinja2",
    "yaml", "asyncio", "sentencex", "onnxruntime", "tokenizers", "xllamacpp", "py3langid", "openpyxl", "genai_prices",
}  # fmt: skip
#: The core computes: it reads no file, opens no connection, starts no process and asks for no setting.
OUTSIDE_WORLD = {
    "os",
    "io",
    "socket",
    "subprocess",
    "sqlite3",
    "shutil",
    "tempfile",
    "urllib",
    "http",
    "openai",
    "httpx2",
}
#: Reads addresses, and opens none.
HARMLESS = {"urllib.parse"}


def layer_of(module: Path) -> str:
    """Return the layer of a module: its folder below the package, or its own name."""
    return module.parts[1].removesuffix(".py")


def imported(module: Path) -> Iterator[str]:
    """Yield the full names of all modules that a module imports anywhere, also for types only."""
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            yield node.module or ""
            # In "from coach import edges" the layer is among the names.
            if node.module == "coach":
                yield from (f"coach.{alias.name}" for alias in node.names)


def layers_imported(module: Path) -> set[str]:
    """Return the layers of the project that a module imports."""
    return {name.split(".")[1] for name in imported(module) if name.startswith("coach.")}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_down(module: Path) -> None:
    """Each layer knows only those below it; the command line is known to nobody."""
    if module.parts[1] == "__init__.py":
        return
    layer = layer_of(module)

    assert layers_imported(module) <= MAY_IMPORT[layer] | EVERYBODY


def test_every_layer_was_looked_at() -> None:
    """A new folder of the package must be given its place in the table above."""
    assert {layer_of(module) for module in MODULES} - {"__init__"} == set(MAY_IMPORT)


@pytest.mark.parametrize("module", [module for module in MODULES if layer_of(module) in ("core", "models")], ids=str)
def test_the_core_does_not_touch_the_outside_world(module: Path) -> None:
    """Core and models import nothing that reads files, opens connections or starts processes."""
    assert not {name.split(".")[0] for name in imported(module) if name not in HARMLESS} & OUTSIDE_WORLD


@pytest.mark.parametrize("module", [module for module in MODULES if module.name == "__init__.py"], ids=str)
def test_packages_hold_no_code(module: Path) -> None:
    """An __init__.py contains nothing but words."""
    body = ast.parse((ROOT / module).read_text(encoding="utf-8")).body

    assert [type(node) for node in body] in ([], [ast.Expr])


def test_asking_for_help_loads_nothing_heavy() -> None:
    """All commands are registered without the libraries that only some of them need."""
    code = "import json, sys, coach.cli.app; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert not set(json.loads(run.stdout)) & HEAVY
