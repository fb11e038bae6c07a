"""Rooms by feature: imports point down only, few modules touch the world, and what is heavy is loaded when needed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    path.relative_to(ROOT) for path in (ROOT / "coach").rglob("*.py") if path != ROOT / "coach" / "__init__.py"
)

#: What stands below all rooms.
GROUND = {"errors", "version", "schema", "files"}
_JUDGED = {"submit", "judge", "answer", "bank", "model"}
#: The rooms below each room: what its modules may import of the project, beside their own room and the ground.
BELOW = {
    "bank": set(),
    "model": set(),
    "answer": {"bank", "model"},
    "judge": {"answer", "bank", "model"},
    "submit": {"judge", "answer", "bank", "model"},
    "report": _JUDGED,
    "history": {"report"} | _JUDGED,
    "batch": {"report"} | _JUDGED,
    "compare": {"batch", "history", "report"} | _JUDGED,
    "calibrate": {"batch", "history", "report"} | _JUDGED,
    "web": {"calibrate", "compare", "batch", "history", "report"} | _JUDGED,
    "cli": {"web", "calibrate", "compare", "batch", "history", "report"} | _JUDGED,
}
#: What `coach --help` must not pay for.
HEAVY = {
    "openai", "aiohttp", "httpx", "httpx2", "pydantic", "rich", "numpy", "scipy", "tiktoken", "sqlite3", "jinja2",
    "yaml", "asyncio", "sentencex", "onnxruntime", "tokenizers", "xllamacpp", "py3langid", "openpyxl", "genai_prices",
}  # fmt: skip


def room_of(module: Path) -> str:
    """Return the room of a module: its folder below the package, or its own name."""
    return module.parts[1].removesuffix(".py")


def imported(module: Path) -> Iterator[str]:
    """Yield the full names of all modules that a module imports anywhere, also for types only."""
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            yield node.module or ""
            # In "from coach import answer" the room is among the names.
            if node.module == "coach":
                yield from (f"coach.{alias.name}" for alias in node.names)


def test_imports_point_down() -> None:
    """Each room knows only those below it; the command line is known to nobody."""
    upward = [
        f"{module}: {name}"
        for module in MODULES
        for name in imported(module)
        if name.startswith("coach.")
        and (room := name.split(".")[1]) != room_of(module)
        and room not in BELOW.get(room_of(module), set()) | GROUND
    ]

    assert upward == []


def test_every_room_has_its_place() -> None:
    """A new folder of the package must be given its place in the table above."""
    assert {room_of(module) for module in MODULES} == set(BELOW) | GROUND


def test_packages_hold_no_code() -> None:
    """An __init__.py contains nothing but words."""
    for module in (module for module in MODULES if module.name == "__init__.py"):
        body = ast.parse((ROOT / module).read_text(encoding="utf-8")).body

        assert [type(node) for node in body] in ([], [ast.Expr]), module


def test_asking_for_help_loads_nothing_heavy() -> None:
    """All commands are registered without the libraries that only some of them need."""
    code = "import json, sys, coach.cli.app; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert not set(json.loads(run.stdout)) & HEAVY
