"""The strict JSON schema of a structured reply, built from the checks and the sentence numbers.

Written for the common subset of OpenAI's strict mode and llama.cpp's grammar: closed objects, everything
required, integer enums, bounded arrays, and anchored patterns as length limits (``maxLength`` is not in
OpenAI's list; an unbounded string or array lets a small model run on until the token limit). What all parts share
stands there once, because OpenAI counts the values of all enums of a schema together (1,000 at most).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coach.bank.questions import Check
from coach.model.completion import JsonSchema

MAX_EVIDENCE = 3
#: At most so many sentences are reported as talk to the grader.
MAX_REPORTED = 12
MAX_REASON_CHARACTERS = 240
MAX_TEXT_CHARACTERS = 600
#: Far below what OpenAI's strict mode allows, and more than a long answer has.
MAX_SENTENCES = 250

VERDICTS = ["met", "partly", "not_met"]
#: Whether the answer talks to the grader.
PRESENCE = ["no", "yes"]


def reply_schema(checks: Sequence[Check], sentence_numbers: Sequence[int], with_extras: bool) -> JsonSchema:
    """Return the schema of a reply that judges these checks and may quote these sentences only.

    ``with_extras`` adds the follow-up question and the outline.

    The report of what talks to the grader comes after the checks: a small model that has just written "no" writes
    "not_met" next, for every check.
    """
    judged = {check.id: {"$ref": "#/$defs/check"} for check in checks}
    properties: dict[str, Any] = {"checks": _closed_object(judged), "grader_talk": _grader_talk_schema()}
    if with_extras:
        properties["follow_up"] = _bounded_string(MAX_REASON_CHARACTERS)
        properties["outline"] = _bounded_string(MAX_TEXT_CHARACTERS)
    shared = {
        "sentence": {"type": "integer", "enum": list(sentence_numbers[:MAX_SENTENCES])},
        "check": _check_schema(),
    }
    return JsonSchema("assessment", {**_closed_object(properties), "$defs": shared})


def _grader_talk_schema() -> dict[str, Any]:
    return _closed_object({"present": {"type": "string", "enum": PRESENCE}, "sentences": _sentences(MAX_REPORTED)})


def _check_schema() -> dict[str, Any]:
    # Order matters: the model writes its reason before it commits to a verdict.
    return _closed_object(
        {
            "reason": _bounded_string(MAX_REASON_CHARACTERS),
            "sentences": _sentences(MAX_EVIDENCE),
            "verdict": {"type": "string", "enum": VERDICTS},
        }
    )


def _sentences(most: int) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": "#/$defs/sentence"}, "minItems": 0, "maxItems": most}


def _closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _bounded_string(limit: int) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^[^\\n\\r]{{0,{limit}}}$"}
