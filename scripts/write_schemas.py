"""Write the JSON schemas of all YAML files that people edit, from the data models.

    python scripts/write_schemas.py

Editors with YAML support check a file against the schema that its first line names. A test fails when a schema file
is older than its model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from coach.bank.examples import ExemplarFile
from coach.bank.questions import QuestionFile, Rubric
from coach.schema import StrictModel

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from sample_texts import AttackFile, FollowedAdviceFile, RewordingFile, TrapFile

FOLDER = Path(__file__).resolve().parent.parent / "schemas"
MODELS: dict[str, type[StrictModel]] = {
    "questions": QuestionFile,
    "rubric": Rubric,
    "exemplars": ExemplarFile,
    "traps": TrapFile,
    "attacks": AttackFile,
    "rewordings": RewordingFile,
    "followed_advice": FollowedAdviceFile,
}


def schema_files() -> dict[Path, str]:
    """Return the content of every schema file by its path."""
    return {FOLDER / f"{name}.schema.json": _schema(model) for name, model in MODELS.items()}


def _schema(model: type[StrictModel]) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in schema_files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
