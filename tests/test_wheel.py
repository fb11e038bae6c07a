"""The wheel holds everything: installed alone, in any directory, the program finds its bank, rubrics and prompts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ANSWER = "DICOM is the standard that scanners and the PACS use to exchange images over the network."


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the backend that is installed here, and unpack it as an installer does."""
    wheels = tmp_path_factory.mktemp("wheels")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    build = subprocess.run(
        [sys.executable, "-c", code, str(wheels)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert build.returncode == 0, build.stderr
    [wheel] = wheels.glob("*.whl")
    site = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


#: Runs several commands one after the other, each reading the answer from standard input.
RUN = """
import io, json, sys
import coach
site, answer, commands = sys.argv[1:]
assert coach.__file__.startswith(site), coach.__file__
from coach.cli.app import app
for command in json.loads(commands):
    sys.stdin = io.TextIOWrapper(io.BytesIO(answer.encode()), encoding="utf-8")
    app(command, standalone_mode=False)
    print("=" * 20)
"""
QUESTIONS = [["questions"], ["questions", "system-outage", "--json"]]
PROMPTS = [
    ["submit", "dicom-standard", "-", "--show-prompt", "--json", "--method", method]
    for method in ("structured", "logprobs")
]


def run(site: Path, folder: Path, commands: list[list[str]]) -> list[str]:
    """Run the program of the wheel in a folder where nothing of the project lies; return what each command printed."""
    environment = {**os.environ, "PYTHONPATH": str(site), "OPENAI_API_KEY": "sk-not-used"}
    # What is unpacked stays as it was in the wheel.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    result = subprocess.run(
        [sys.executable, "-c", RUN, str(site), ANSWER, json.dumps(commands)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split("=" * 20 + "\n")[:-1]


def test_bank_prompts_vocabulary_and_encoder_data_are_found(installed: Path, tmp_path: Path) -> None:
    """The list and one question look as they do in the checkout; prompts can be built, and both small models found."""
    *questions, structured, logprobs = run(installed, tmp_path, [*QUESTIONS, *PROMPTS])

    assert questions == run(ROOT, tmp_path, QUESTIONS)
    assert json.loads(structured)["requests"]
    assert json.loads(structured)["input_tokens"] > 100
    # The matcher and the vectors of the wheel decide about this answer, so that no model need be asked.
    assert json.loads(logprobs)["requests"] == []


def test_every_file_that_people_edit_and_every_data_file_is_in_the_wheel(installed: Path) -> None:
    """Bank, rubrics, prompts, exemplars, data and templates are what they are in the checkout."""
    package = installed / "coach"
    sources = {ROOT / "questions.yaml": package / "resources" / "questions.yaml"}
    for name in ("rubrics", "prompts", "examples"):
        for path in _files(ROOT / name):
            sources[path] = package / "resources" / path.relative_to(ROOT)
    for path in _files(ROOT / "coach"):
        sources[path] = installed / path.relative_to(ROOT)

    assert len(sources) > 100
    assert [str(path) for path in sources.values() if not path.is_file()] == []
    assert all(path.read_bytes() == copy.read_bytes() for path, copy in sources.items())


def test_nothing_else_is_in_the_wheel(installed: Path) -> None:
    """No tests, no caches, no file of the developer's machine."""
    names = {path.name for path in installed.iterdir()}

    assert len(names) == 2
    assert "coach" in names
    assert not [path for path in installed.rglob("*") if path.suffix in (".pyc", ".db", ".gguf")]


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert found
    return found
