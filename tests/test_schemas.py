"""The schema files agree with the models and with every YAML file that is shipped."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
import yamlcore
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("questions.yaml", "rubrics/*.yaml", "examples/**/*.yaml")
    for path in ROOT.glob(pattern)
)


def script() -> ModuleType:
    """Load scripts/write_schemas.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("write_schemas", ROOT / "scripts" / "write_schemas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def schema_of(name: str) -> Path:
    """Return the schema file that a YAML file names in its first line."""
    first = (ROOT / name).read_text(encoding="utf-8").partition("\n")[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert match, f"{name} does not begin with its schema"
    return ((ROOT / name).parent / match.group(1)).resolve()


def data_of(name: str) -> Any:
    """Return the plain data of a YAML file."""
    return yaml.load((ROOT / name).read_text(encoding="utf-8"), Loader=yamlcore.CCoreLoader)


def test_no_schema_file_is_stale() -> None:
    """After a change of a model, scripts/write_schemas.py must be run."""
    files = script().schema_files()

    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, f"run python scripts/write_schemas.py for {path.name}"
    assert set(files) == set((ROOT / "schemas").glob("*.json"))


def test_the_script_writes_all_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A new folder gets every schema, each a valid JSON schema."""
    module = script()
    monkeypatch.setattr(module, "FOLDER", tmp_path / "schemas")

    module.main()

    written = list((tmp_path / "schemas").iterdir())
    assert {path.name for path in written} == {f"{name}.schema.json" for name in module.MODELS}
    for path in written:
        Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_file_follows_the_schema_that_it_names(name: str) -> None:
    """The first line of each YAML file names a schema that exists, and the file is valid by it."""
    path = schema_of(name)

    assert path.parent == ROOT / "schemas"
    validator = Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data_of(name))] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_an_editor_sees_a_misspelt_key(name: str) -> None:
    """Unknown keys are errors in the schema as they are for the program."""
    validator = Draft202012Validator(json.loads(schema_of(name).read_text(encoding="utf-8")))

    assert not validator.is_valid({**data_of(name), "titel": "x"})
