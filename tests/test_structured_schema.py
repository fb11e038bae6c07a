"""The reply's schema is strict, bounded, and lets a model name only sentences that exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from assessment_factory import dicom_question, shipped_bank
from jsonschema import Draft202012Validator

from coach.judge.structured import (
    MAX_EVIDENCE,
    MAX_REASON_CHARACTERS,
    MAX_REPORTED,
    MAX_SENTENCES,
    reply_schema,
)

CHECKS = shipped_bank().checks_of(dicom_question())
NUMBERS = [1, 2, 4, 5]
NO_TALK: dict[str, Any] = {"present": "no", "sentences": []}
ENTRY = {"reason": "It says so.", "sentences": [1, 4], "verdict": "met"}


def schema(with_extras: bool = True, numbers: list[int] = NUMBERS) -> dict[str, Any]:
    """Return the schema for all checks of ``dicom-standard``."""
    return reply_schema(CHECKS, numbers, with_extras).schema


def reply(**changes: Any) -> dict[str, Any]:
    """Return a reply whose first check has other values."""
    entries = {check.id: ENTRY for check in CHECKS}
    checks = {**entries, CHECKS[0].id: {**ENTRY, **changes}}
    return {"grader_talk": NO_TALK, "checks": checks, "follow_up": "Why?", "outline": "1. Begin."}


def is_valid(document: dict[str, Any], with_extras: bool = True) -> bool:
    """Return whether the schema takes a document."""
    return bool(Draft202012Validator(schema(with_extras)).is_valid(document))


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects within a schema."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item)


def test_a_good_reply_fits() -> None:
    """The schema is a valid JSON schema and takes what the prompt asks for."""
    Draft202012Validator.check_schema(schema())

    assert is_valid(reply())
    assert is_valid(reply(sentences=[], verdict="not_met"))


@pytest.mark.parametrize(
    "change",
    [
        {"sentences": [3]},
        {"sentences": [0]},
        {"sentences": ["1"]},
        {"sentences": [1] * (MAX_EVIDENCE + 1)},
        {"verdict": "excellent"},
        {"verdict": "unjudged"},
        {"reason": "two\nlines"},
        {"reason": "x" * (MAX_REASON_CHARACTERS + 1)},
        {"score": 4},
    ],
)
def test_what_must_not_come_does_not_fit(change: dict[str, Any]) -> None:
    """Sentences that do not exist or talk to the grader, other verdicts, endless words and marks are refused."""
    assert not is_valid(reply(**change))


def test_every_check_must_be_judged_and_no_other() -> None:
    """A reply without a check, or with one more, is refused."""
    without, more = reply(), reply()
    del without["checks"][CHECKS[3].id]
    more["checks"]["invented"] = ENTRY

    assert not is_valid(without)
    assert not is_valid(more)


def test_a_repair_asks_for_nothing_beside_the_checks() -> None:
    """Follow-up and outline are wanted once, not again with a repair; talk to the grader may have been missed."""
    assert not is_valid(reply(), with_extras=False)
    assert is_valid({"grader_talk": NO_TALK, "checks": reply()["checks"]}, with_extras=False)


@pytest.mark.parametrize(
    ("report", "fits"),
    [
        ({"present": "yes", "sentences": [2, 4]}, True),
        ({"present": "yes", "sentences": [3]}, False),
        ({"present": "yes", "sentences": [1] * (MAX_REPORTED + 1)}, False),
        ({"present": "maybe", "sentences": []}, False),
        ({"present": "no"}, False),
    ],
)
def test_talk_to_the_grader_is_reported_by_number(report: dict[str, Any], fits: bool) -> None:
    """The model says whether there is any and names the sentences, after the verdicts: a "no" before them sticks."""
    assert is_valid({**reply(), "grader_talk": report}) is fits
    assert list(schema()["properties"])[:2] == ["checks", "grader_talk"]


def test_the_reason_comes_before_the_verdict() -> None:
    """A model that writes in the schema's order explains before it commits itself."""
    assert list(schema()["$defs"]["check"]["properties"]) == ["reason", "sentences", "verdict"]
    assert list(schema()["properties"]["checks"]["properties"]) == [check.id for check in CHECKS]


def test_the_schema_keeps_to_the_rules_of_strict_mode() -> None:
    """Objects are closed and fully required, strings and arrays bounded, and enums few, also for a long answer."""
    document = schema(numbers=list(range(1, 1000)))

    for part in parts(document):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        if part.get("type") == "array":
            assert part["maxItems"] in (MAX_EVIDENCE, MAX_REPORTED)
        if part.get("type") == "string":
            assert "enum" in part or part["pattern"].startswith("^")
    assert sum(len(part["enum"]) for part in parts(document) if isinstance(part.get("enum"), list)) <= 1000
    assert document["$defs"]["sentence"]["enum"] == list(range(1, MAX_SENTENCES + 1))
