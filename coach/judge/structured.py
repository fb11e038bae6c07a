"""The ``structured`` method: one call for the whole rubric, as strict JSON, with one targeted repair.

For reasoning models and for servers without log-probabilities. Below the judge: the JSON schema of a reply, and reading
one. The schema is written for the common subset of OpenAI's strict mode and llama.cpp's grammar: closed objects,
everything required, integer enums, bounded arrays, and anchored patterns as length limits (``maxLength`` is not in
OpenAI's list; an unbounded string or array lets a small model run on until the token limit). What all parts share
stands there once, because OpenAI counts the values of all enums of a schema together (1,000 at most).

Rules find the usual talk to the grader before a model is asked; a capable model also finds what no rule foresees. It is
asked for the numbers of such sentences only, and code draws the conclusion: they are reported and earn nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from coach.answer.answer import AssessmentWarning
from coach.answer.sentences import shortened
from coach.bank.questions import Check
from coach.errors import ModelContentFilterError, ModelError, ModelReplyError
from coach.judge.judging import CheckVerdict, Judge, Judgement, JudgeTask, OnVerdict, Verdict, unjudged
from coach.model.completion import CompletionRequest, JsonSchema, Message, Usage

#: Room for one check's reason, sentence numbers, verdict and JSON marks, in tokens.
_TOKENS_PER_CHECK = 110
_TOKENS_FOR_EXTRAS = 320
#: Room for what stands once in every reply: its braces and the report of talk to the grader.
_TOKENS_FOR_FRAME = 112

MAX_EVIDENCE = 3
#: At most so many sentences are reported as talk to the grader.
MAX_REPORTED = 12
MAX_REASON_CHARACTERS = 240
MAX_TEXT_CHARACTERS = 600
#: Far below what OpenAI's strict mode allows, and more than a long answer has.
MAX_SENTENCES = 250

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


class StructuredJudge(Judge):
    """Asks for all verdicts at once."""

    name = "structured"

    def requests(self, task: JudgeTask) -> list[CompletionRequest]:
        """Return what would be sent first: one request."""
        return [self._request(task, task.checks)]

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Judge one answer with one request and, where the reply has faults, one repair.

        Raises ModelError when the endpoint fails before any verdict could be read. A refusal, an unreadable reply
        or an endpoint that fails during the repair leaves checks unjudged.
        """
        first, usage = await self._ask(task, task.checks)
        verdicts, problems, reported = dict(first.verdicts), first.problems, set(first.grader_talk)
        warnings: list[AssessmentWarning] = []
        if problems:
            missing = tuple(check for check in task.checks if check.id in problems)
            repair = self._templates.repair("; ".join(sorted(set(problems.values()))), missing)
            try:
                second, more = await self._ask(task, missing, repair)
            except ModelError as error:
                if not verdicts:
                    raise
                second, more = _faulty(missing, error.message), Usage()
            usage += more
            verdicts.update(second.verdicts)
            problems = second.problems
            reported.update(second.grader_talk)
            faulty = "1 check" if len(missing) == 1 else f"{len(missing)} checks"
            fixed = len(missing) - len(problems)
            message = f"The first reply was faulty for {faulty}; asking again settled {fixed} of them."
            warnings.append(AssessmentWarning(code="reply_repaired", message=message))
        for number in sorted(reported):
            said = shortened(task.answer.sentences[number - 1].text)
            message = f"The judge takes sentence {number} for talk to the grader; it earned nothing: “{said}”"
            warnings.append(AssessmentWarning(code="instruction_in_answer", message=message))
        ordered = []
        for check in task.checks:
            verdict = verdicts.get(check.id) or unjudged(check, problems[check.id])
            ordered.append(without_grader_talk(check, verdict, reported))
            if on_verdict:
                on_verdict(check, ordered[-1])
        return Judgement(tuple(ordered), usage, first.follow_up, first.outline, tuple(warnings))

    def _request(self, task: JudgeTask, checks: Sequence[Check], repair: Message | None = None) -> CompletionRequest:
        messages = self._templates.structured(task)
        room = _TOKENS_FOR_FRAME + _TOKENS_PER_CHECK * len(checks) + (0 if repair else _TOKENS_FOR_EXTRAS)
        schema = reply_schema(checks, _numbers(task), with_extras=repair is None)
        return CompletionRequest((*messages, repair) if repair else messages, max_tokens=room, json_schema=schema)

    async def _ask(
        self, task: JudgeTask, checks: Sequence[Check], repair: Message | None = None
    ) -> tuple[StructuredReply, Usage]:
        try:
            completion = await self._model.complete(self._request(task, checks, repair))
        except (ModelContentFilterError, ModelReplyError) as error:
            return _faulty(checks, error.message), Usage()
        if completion.refusal:
            return _faulty(checks, f"the model declined: {completion.refusal[:200]}"), completion.usage
        reply = parse_reply(completion.text, checks, _numbers(task))
        if completion.finish_reason == "length":
            problems = {check_id: f"the reply was cut off; {problem}" for check_id, problem in reply.problems.items()}
            reply = replace(reply, problems=problems)
        return reply, completion.usage


def _numbers(task: JudgeTask) -> list[int]:
    return [sentence.number for sentence in task.answer.judged_sentences][:MAX_SENTENCES]


def _faulty(checks: Sequence[Check], problem: str) -> StructuredReply:
    return StructuredReply(problems={check.id: problem for check in checks})


def without_grader_talk(check: Check, verdict: CheckVerdict, reported: Collection[int]) -> CheckVerdict:
    """Return a verdict that rests on no reported sentence.

    A point that was shown by reported sentences alone is not met. A red flag stays as it is: calling a sentence talk to
    the grader must not take back what it costs.
    """
    left = tuple(number for number in verdict.evidence if number not in reported)
    if check.kind != "point" or left == verdict.evidence:
        return verdict
    if left:
        return replace(verdict, evidence=left)
    comment = "not met: the only sentence named for it talks to the grader"
    return CheckVerdict(check.id, Verdict.NOT_MET, STATED_PROBABILITY[Verdict.NOT_MET], (), comment, "model")


def reply_schema(checks: Sequence[Check], sentence_numbers: Sequence[int], with_extras: bool) -> JsonSchema:
    """Return the schema of a reply that judges these checks and may quote these sentences only.

    ``with_extras`` adds the follow-up question and the outline.

    The report of what talks to the grader comes after the checks: a small model that has just written "no" writes
    "not_met" next, for every check.
    """
    judged = {check.id: {"$ref": "#/$defs/check"} for check in checks}
    talk = {"present": {"type": "string", "enum": ["no", "yes"]}, "sentences": _sentences(MAX_REPORTED)}
    properties: dict[str, Any] = {"checks": _closed_object(judged), "grader_talk": _closed_object(talk)}
    if with_extras:
        properties["follow_up"] = _bounded_string(MAX_REASON_CHARACTERS)
        properties["outline"] = _bounded_string(MAX_TEXT_CHARACTERS)
    # Order matters: the model writes its reason before it commits to a verdict.
    check = {
        "reason": _bounded_string(MAX_REASON_CHARACTERS),
        "sentences": _sentences(MAX_EVIDENCE),
        "verdict": {"type": "string", "enum": ["met", "partly", "not_met"]},
    }
    sentence = {"type": "integer", "enum": list(sentence_numbers[:MAX_SENTENCES])}
    shared = {"sentence": sentence, "check": _closed_object(check)}
    return JsonSchema("assessment", {**_closed_object(properties), "$defs": shared})


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
    return CheckVerdict(check.id, verdict, STATED_PROBABILITY[verdict], evidence, comment, "model")


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
