"""Reading a structured reply: every check that is good is kept, whatever is wrong with the others."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from coach.core.structured_schema import MAX_EVIDENCE
from coach.models.assessment import Verdict
from coach.models.bank import Check
from coach.models.judging import CheckVerdict

#: What a verdict in words says about the probability that the check is met. A model that writes a verdict
#: gives no probability; these values leave room for its error.
STATED_PROBABILITY = {Verdict.MET: 0.9, Verdict.PARTLY: 0.5, Verdict.NOT_MET: 0.08}

_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*(?:```|$)", re.DOTALL)


@dataclass(frozen=True)
class StructuredReply:
    """What could be read from a reply: good verdicts by check id, and for the others what was wrong."""

    verdicts: dict[str, CheckVerdict] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    follow_up: str | None = None
    outline: str | None = None


def parse_reply(text: str, checks: Sequence[Check], sentence_numbers: Sequence[int]) -> StructuredReply:
    """Read the reply's JSON (also fenced, or cut off) and judge each check's entry on its own."""
    data = load_json_object(text)
    if data is None:
        return StructuredReply(problems={check.id: "the reply was not a JSON object" for check in checks})
    entries = data.get("checks", data)
    if isinstance(entries, list):
        entries = {item.get("id"): item for item in entries if isinstance(item, dict)}
    if not isinstance(entries, dict):
        return StructuredReply(problems={check.id: "the reply has no object of checks" for check in checks})
    verdicts, problems = {}, {}
    for check in checks:
        result = _read_entry(check, entries.get(check.id), frozenset(sentence_numbers))
        if isinstance(result, str):
            problems[check.id] = result
        else:
            verdicts[check.id] = result
    return StructuredReply(verdicts, problems, _words(data.get("follow_up")), _words(data.get("outline")))


def load_json_object(text: str) -> dict[str, Any] | None:
    """Return the first JSON object in the text, completing one that was cut off; None when there is none."""
    from pydantic_core import from_json

    fenced = _FENCE.search(text)
    for candidate in (text, fenced.group(1) if fenced else "", text[text.find("{") :] if "{" in text else ""):
        candidate = candidate.strip()
        if not candidate.startswith("{"):
            continue
        try:
            value, _ = json.JSONDecoder().raw_decode(candidate)
        except (ValueError, RecursionError):
            try:
                # A cut-off object: what was complete is kept, an entry without its verdict is a problem later.
                value = from_json(candidate, allow_partial=True)
            except ValueError:
                continue
        if isinstance(value, dict):
            return value
    return None


def _read_entry(check: Check, entry: Any, known: frozenset[int]) -> CheckVerdict | str:
    if entry is None:
        return "the reply says nothing about this check"
    if not isinstance(entry, dict):
        return "the entry is not an object"
    stated = str(entry.get("verdict", "")).strip().casefold().replace(" ", "_")
    if stated not in (Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET):
        return f"the verdict {stated[:40]!r} is none of met, partly, not_met" if stated else "the verdict is missing"
    evidence, invented = _read_evidence(entry.get("sentences"), known)
    verdict = Verdict(stated)
    comment = _words(entry.get("reason"))
    if verdict is Verdict.NOT_MET:
        evidence = ()
    elif not evidence and verdict is Verdict.MET:
        verdict = Verdict.PARTLY
        note = "counted as partly met: the judge named no sentence that exists"
        comment = f"{comment} ({note})" if comment else note
    elif invented:
        comment = f"{comment} (sentence numbers that do not exist were dropped)" if comment else None
    return CheckVerdict(check.id, verdict, STATED_PROBABILITY[verdict], evidence, comment)


def _read_evidence(value: Any, known: frozenset[int]) -> tuple[tuple[int, ...], bool]:
    numbers = value if isinstance(value, list) else []
    good = [n for n in numbers if isinstance(n, int) and not isinstance(n, bool) and n in known]
    return tuple(dict.fromkeys(good))[:MAX_EVIDENCE], len(good) < len(numbers)


def _words(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return " ".join(value.split())
