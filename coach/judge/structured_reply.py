"""Reading a structured reply: every check that is good is kept, whatever is wrong with the others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from coach.bank.questions import Check
from coach.judge.judging import CheckVerdict, Verdict
from coach.judge.structured_schema import MAX_EVIDENCE, MAX_REASON_CHARACTERS, MAX_REPORTED, MAX_TEXT_CHARACTERS

#: What a verdict in words says about the probability that the check is met. A model that writes a verdict
#: gives no probability; these values leave room for its error.
STATED_PROBABILITY = {Verdict.MET: 0.9, Verdict.PARTLY: 0.5, Verdict.NOT_MET: 0.08}

#: What a number consists of: the end of a reply that was cut off may be half of one.
_OF_NUMBERS = "0123456789.eE+-"
#: How many braces of a reply are tried, and how deep the checks may lie within wrapping objects.
_MOST_BRACES = 50
_MOST_DEPTH = 3


@dataclass(frozen=True)
class StructuredReply:
    """What could be read from a reply: good verdicts by check id, and for the others what was wrong.

    ``grader_talk`` holds the numbers of the sentences that the model takes for talk to the grader.
    """

    verdicts: dict[str, CheckVerdict] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    follow_up: str | None = None
    outline: str | None = None
    grader_talk: tuple[int, ...] = ()


def parse_reply(text: str, checks: Sequence[Check], sentence_numbers: Sequence[int]) -> StructuredReply:
    """Read the reply's JSON and judge each check's entry on its own; never raises.

    The JSON may be fenced, wrapped in other objects, cut off, or stand between words. Of several objects with
    checks the last one counts, as in a reply that drafts before it decides.
    """
    ids = [check.id for check in checks]
    objects = list(_json_objects(text))
    found = [parts for parts in (_find_entries(data, ids, _MOST_DEPTH) for data in objects) if parts is not None]
    if not found:
        problem = "the reply says nothing about this check" if objects else "the reply was not a JSON object"
        return StructuredReply(problems=dict.fromkeys(ids, problem))
    around, entries = found[-1]
    known = frozenset(sentence_numbers)
    verdicts, problems = {}, {}
    for check in checks:
        result = _read_entry(check, entries.get(check.id), known)
        if isinstance(result, str):
            problems[check.id] = result
        else:
            verdicts[check.id] = result
    return StructuredReply(
        verdicts,
        problems,
        _words(around.get("follow_up"), MAX_REASON_CHARACTERS),
        _words(around.get("outline"), MAX_TEXT_CHARACTERS),
        _read_grader_talk(around.get("grader_talk"), known),
    )


def _json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in the text that are not empty, the last one completed if it was cut off."""
    start = text.find("{")
    for _ in range(_MOST_BRACES):
        if start < 0:
            return
        value, end = _decode(text, start)
        if isinstance(value, dict) and value:
            yield value
        start = text.find("{", end)


def _decode(text: str, start: int) -> tuple[Any, int]:
    """Return the JSON value at ``start`` and where it ends; None where there is none."""
    from pydantic_core import from_json

    try:
        return json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    try:
        # A cut-off object: what was complete is kept, an entry without its verdict is a problem later.
        return from_json(text[start:].rstrip().rstrip(_OF_NUMBERS), allow_partial=True), len(text)
    except ValueError:
        return None, start + 1


def _find_entries(value: Any, ids: Sequence[str], depth: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the object around the checks and the checks' entries by id, or None."""
    if not isinstance(value, dict) or not depth:
        return None
    for entries in (_by_id(value.get("checks")), value):
        if any(isinstance(entries.get(check_id), dict) for check_id in ids):
            return value, entries
    inner = (_find_entries(item, ids, depth - 1) for item in value.values())
    return next((found for found in inner if found is not None), None)


def _by_id(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {item["id"]: item for item in value if isinstance(item, dict) and isinstance(item.get("id"), str)}
    return value if isinstance(value, dict) else {}


def _read_entry(check: Check, entry: Any, known: frozenset[int]) -> CheckVerdict | str:
    if entry is None:
        return "the reply says nothing about this check"
    if not isinstance(entry, dict):
        return "the entry is not an object"
    stated = str(entry.get("verdict", "")).strip(" .").casefold().replace(" ", "_").replace("-", "_")
    if stated not in (Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET):
        return f"the verdict {stated[:40]!r} is none of met, partly, not_met" if stated else "the verdict is missing"
    evidence, invented = _read_sentences(entry.get("sentences"), known, MAX_EVIDENCE)
    verdict = Verdict(stated)
    note = "sentence numbers that do not exist were dropped" if invented else ""
    if verdict is Verdict.NOT_MET:
        evidence, note = (), ""
    elif not evidence and verdict is Verdict.MET:
        verdict, note = Verdict.PARTLY, "counted as partly met: the judge named no sentence that exists"
    reason = _words(entry.get("reason"), MAX_REASON_CHARACTERS)
    comment = f"{reason} ({note})" if reason and note else reason or note or None
    return CheckVerdict(check.id, verdict, STATED_PROBABILITY[verdict], evidence, comment)


def _read_grader_talk(value: Any, known: frozenset[int]) -> tuple[int, ...]:
    """Return the reported sentences; a model that lists some and says that there are none reports none."""
    if not isinstance(value, dict) or str(value.get("present")).strip().casefold() != "yes":
        return ()
    return tuple(sorted(_read_sentences(value.get("sentences"), known, MAX_REPORTED)[0]))


def _read_sentences(value: Any, known: frozenset[int], most: int) -> tuple[tuple[int, ...], bool]:
    """Return the numbers of sentences that exist, and whether there were others."""
    numbers = value if isinstance(value, list) else []
    good = [n for n in numbers if isinstance(n, int) and not isinstance(n, bool) and n in known]
    return tuple(dict.fromkeys(good))[:most], len(good) < len(numbers)


def _words(value: Any, limit: int) -> str | None:
    """Return a text on one line and not much longer than was asked for; None when there is none."""
    if not isinstance(value, str):
        return None
    # JSON can spell halves of surrogate pairs, which no report can be written with.
    words = " ".join(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())
    return (words if len(words) <= limit else words[: limit - 1].rstrip() + "…") or None
