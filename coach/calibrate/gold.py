"""Answers with marks by people (GOLD): reading them, finding their questions and scale, taking a sample.

Columns (or JSON keys) of a table, in any order and case; others are ignored:

* ``answer`` and ``score`` (the human mark, a number; a decimal comma is fine) are needed;
* ``question_id``: id, number or text of a question of the bank; or ``question`` and ``reference``: the question and a
  reference answer, from which checks are made (`coach.calibrate.reference`);
* ``rater_1``, ``rater_2``: the marks of two raters; ``label``; ``id``.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from coach.bank.find import find_question
from coach.bank.questions import Bank, Question
from coach.batch.inputs.layout import Columns
from coach.batch.inputs.tables import open_table, storable
from coach.batch.rows import RowProblem, RowResult
from coach.calibrate.reference import reference_bank, reference_question
from coach.calibrate.result import GoldSummary, Scale
from coach.errors import InputError

_WANTED = (
    'Every row needs answer, score, and either question_id or question and reference, such as {"question_id": "...", '
    '"answer": "...", "score": 3.5}; rater_1, rater_2, label and id may be added.'
)
_COLUMNS = Columns(
    names={
        "answer": ("answer", "response", "student answer", "answer text"),
        "score": ("score", "mark", "grade", "human score"),
        "question_id": ("question id", "questionid"),
        "question": ("question", "question text"),
        "reference": ("reference", "reference answer", "model answer", "desired answer"),
        "rater_1": ("rater 1", "rater1"),
        "rater_2": ("rater 2", "rater2"),
        "label": ("label",),
        "id": ("id", "row id"),
    },
    needed=("answer", "score"),
    wanted=_WANTED,
)
#: A mark beyond this is no mark; it also keeps sums of squares finite.
_LARGEST_MARK = 1_000_000.0

_USUAL_ENDS = (12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
_SMALL = 10
_MOST_STEPS = 10
_LONG = 20
#: Marks are compared in millionths, so that 0.1 + 0.2 is 0.3.
_UNIT = 1_000_000


@dataclass(frozen=True)
class GoldRow:
    """One marked answer.

    ``score`` is the mark on the data's own scale. ``question`` and ``reference`` are both given or both None; when
    they are given, ``question_id`` is only a name. ``source`` and ``line`` (from 1) say where the row stands.
    """

    row_id: str
    answer: str
    score: float
    source: str
    line: int
    question_id: str | None = None
    question: str | None = None
    reference: str | None = None
    rater_1: float | None = None
    rater_2: float | None = None
    label: str | None = None

    @property
    def question_key(self) -> str:
        """What tells the row's question from others before it is looked up."""
        if self.question is not None:
            return f"{self.question}\0{self.reference}"
        return " ".join((self.question_id or "").casefold().split())


@dataclass(frozen=True)
class GoldTask:
    """A marked answer with the question that it answers, and the bank that holds the question."""

    row: GoldRow
    question: Question
    bank: Bank


@dataclass(frozen=True)
class JudgedAnswer:
    """What a judge gave a marked answer.

    ``scores`` (0-100) holds one score for every repetition that was judged. Without any, ``reason`` says why;
    ``failed`` tells a model that failed from an answer that is not to be judged. ``seconds`` and ``cost_usd`` are those
    of all repetitions, None when unknown or when an equal answer was judged in its place.
    """

    task: GoldTask
    scores: tuple[float, ...]
    reason: str | None = None
    failed: bool = False
    seconds: float | None = None
    cost_usd: float | None = None

    @property
    def score(self) -> float | None:
        """The first score: what a judge that is asked once would have given."""
        return self.scores[0] if self.scores else None

    def and_then(self, result: RowResult) -> JudgedAnswer:
        """Return this with the result of one more repetition."""
        assessment = result.assessment
        score = assessment.score if assessment and not result.reason else None
        if assessment is None or score is None:
            reason = result.reason or (assessment.unscored_reason if assessment else None)
            return self if self.scores else replace(self, reason=reason, failed=result.reason is not None)
        more = replace(self, scores=(*self.scores, score), reason=None, failed=False)
        if result.same_as:
            return more
        cost = assessment.receipt.cost_usd
        return replace(
            more,
            seconds=(self.seconds or 0.0) + assessment.receipt.seconds,
            cost_usd=self.cost_usd if cost is None else (self.cost_usd or 0.0) + cost,
        )


@dataclass(frozen=True)
class GoldPlan:
    """The answers to judge, the rows that cannot be used, and the summary for the report."""

    tasks: tuple[GoldTask, ...]
    problems: tuple[RowProblem, ...]
    summary: GoldSummary


def read_gold(path: Path) -> tuple[list[GoldRow], list[RowProblem]]:
    """Return the usable rows of a table in its order, and the rows that cannot be used.

    Raises InputError when the file cannot be read or has no usable row.
    """
    rows: list[GoldRow] = []
    problems: list[RowProblem] = []
    for table in open_table(path, _COLUMNS):
        for found in table.rows():
            try:
                if found.values is None:
                    raise ValueError(found.problem)
                rows.append(_gold_row(found.values, found.source, found.line))
            except ValueError as unusable:
                problems.append(RowProblem(found.source, found.line, str(unusable)))
    if not rows:
        why = f"; line {problems[0].line}: {problems[0].message}" if problems else ""
        raise InputError(f"{storable(str(path))}: no marked answer can be used{why}", _WANTED)
    return rows, problems


def _gold_row(values: Mapping[str, str], source: str, line: int) -> GoldRow:
    """Return the row with these texts; raises ValueError that says why it cannot be used."""
    score, rater_1, rater_2 = (_mark(values.get(role, ""), role) for role in ("score", "rater_1", "rater_2"))
    if score is None:
        raise ValueError("the row has no score")
    texts = {role: storable(text).strip() or None for role, text in values.items()}
    question, reference = texts.get("question"), texts.get("reference")
    question_id = texts.get("question_id") or question
    if not question_id:
        raise ValueError("the row has neither question_id nor question and reference")
    if not reference:
        question = None
    return GoldRow(
        row_id=texts.get("id") or f"line-{line}",
        answer=storable(values["answer"]),
        score=score,
        source=source,
        line=line,
        question_id=question_id,
        question=question,
        reference=reference if question else None,
        rater_1=rater_1,
        rater_2=rater_2,
        label=texts.get("label"),
    )


def _mark(text: str, role: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    if re.fullmatch(r"[+-]?\d*,\d+", text):
        text = text.replace(",", ".")
    try:
        mark = float(text)
    except ValueError:
        raise ValueError(f"{role} is not a number: {text[:40]!r}") from None
    if not abs(mark) <= _LARGEST_MARK:
        raise ValueError(f"{role} is not a mark: {text[:40]}")
    return mark


def needs_bank(rows: Sequence[GoldRow]) -> bool:
    """Return whether any row names a question instead of bringing its own."""
    return any(row.question is None for row in rows)


def plan_calibration(
    rows: Sequence[GoldRow],
    problems: Sequence[RowProblem],
    bank: Bank | None,
    *,
    name: str,
    limit: int | None = None,
    seed: int = 0,
    scale: tuple[float, float] | None = None,
) -> GoldPlan:
    """Find questions, scale and sample; ``problems`` are those that reading found already.

    The scale is found in all usable rows, so it does not change with the sample. Raises InputError when no row has a
    question that is known, or the scale does not fit the marks.
    """
    tasks, unknown = match_questions(rows, bank)
    if not tasks:
        first = unknown[0]
        raise InputError(
            f"{first.source}, line {first.line}: {first.message}",
            "No other row can be used either. Name the bank with --bank, or add the columns question and reference.",
        )
    chosen = sample(tasks, limit, seed)
    given = [(task.row.score, task.row.rater_1, task.row.rater_2) for task in tasks]
    summary = GoldSummary(
        name=name,
        rows=len(rows) + len(problems),
        unreadable=len(problems) + len(unknown),
        used=len(chosen),
        questions=len({task.question.id for task in chosen}),
        limit=limit,
        seed=seed,
        scale=find_scale([mark for marks in given for mark in marks if mark is not None], scale),
        scale_given=scale is not None,
    )
    return GoldPlan(tuple(chosen), (*problems, *unknown), summary)


def match_questions(rows: Sequence[GoldRow], bank: Bank | None) -> tuple[list[GoldTask], list[RowProblem]]:
    """Return the rows with their questions, and those whose question is unknown or cannot be used.

    A row with ``question`` and ``reference`` is judged by these, whatever its ``question_id``. ``bank`` may be None
    when no row needs it (see `needs_bank`).
    """
    found: dict[str, Question | str] = {}
    for row in rows:
        if row.question_key in found:
            continue
        try:
            found[row.question_key] = (
                find_question(bank, row.question_id or "")
                if bank and row.question is None
                else reference_question(row.question or "", row.reference or "")
            )
        except InputError as error:
            found[row.question_key] = f"{error.message}. {error.hint}"
    inline = [found[row.question_key] for row in rows if row.question is not None]
    made = [question for question in inline if isinstance(question, Question)]
    own_bank = reference_bank(made) if made else None
    tasks: list[GoldTask] = []
    problems: list[RowProblem] = []
    for row in rows:
        question = found[row.question_key]
        home = bank if row.question is None else own_bank
        if isinstance(question, str) or home is None:
            problems.append(RowProblem(row.source, row.line, str(question)))
        else:
            tasks.append(GoldTask(row, question, home))
    return tasks, problems


def sample(tasks: Sequence[GoldTask], limit: int | None, seed: int = 0) -> list[GoldTask]:
    """Return at most ``limit`` answers, the same number to each question as far as it has that many.

    The choice depends on the seed and the answers alone. Which answers to a question are taken first does not depend
    on the other questions or on ``limit``, so a smaller sample is part of a larger one. The order stays as given.
    """
    if limit is None or limit >= len(tasks):
        return list(tasks)
    groups: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        groups.setdefault(task.row.question_key, []).append(index)
    for key, indices in groups.items():
        random.Random(f"{seed}\0{key}").shuffle(indices)
    # When the limit does not divide evenly, chance decides which questions give one answer more.
    order = list(groups)
    random.Random(f"{seed}").shuffle(order)
    longest = max(map(len, groups.values()))
    turns = [groups[key][turn] for turn in range(longest) for key in order if turn < len(groups[key])]
    return [tasks[index] for index in sorted(turns[:limit])]


def find_scale(marks: Sequence[float], given: tuple[float, float] | None = None) -> Scale:
    """Return the scale of the marks: with the ends that are ``given``, or else found in the marks themselves.

    * low end: 0, or the lowest mark when that is negative; 1 when the lowest mark is 1, no mark is above 10, and all
      are whole numbers (a scale such as 1 to 5).
    * high end: 1 when no mark is above 1; else the highest mark rounded up, above 10 to a usual end (12, 15 ...).
    * step: the greatest step that fits all marks when that gives at most 11 possible marks; else (averages of raters,
      percentages) 1 on scales of at most 20, and a tenth of the scale on longer ones.

    Raises InputError when a given scale does not rise or does not hold all marks.
    """
    low, high = given or _ends(marks)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"a scale cannot go from {low:g} to {high:g}", "Give the lowest mark first: --scale 0 5.")
    lowest, highest = min(marks, default=low), max(marks, default=high)
    if lowest < low or highest > high:
        raise InputError(
            f"marks from {lowest:g} to {highest:g} do not fit a scale from {low:g} to {high:g}",
            "Correct --scale or the marks.",
        )
    return Scale(low=low, high=high, step=_step(marks, low, high))


def _ends(marks: Sequence[float]) -> tuple[float, float]:
    lowest, highest = min(marks), max(marks)
    low = min(0.0, float(math.floor(lowest)))
    high = 1.0 if highest <= 1 else float(math.ceil(highest))
    if high > _SMALL:
        high = float(next((end for end in _USUAL_ENDS if end >= high), high))
    if lowest == 1 and 1 < high <= _SMALL and all(mark == int(mark) for mark in marks):
        low = 1.0
    return low, high


def _step(marks: Sequence[float], low: float, high: float) -> float:
    whole = round((high - low) * _UNIT)
    common = math.gcd(whole, *(round((mark - low) * _UNIT) for mark in marks))
    if common and whole // common <= _MOST_STEPS:
        # A few marks can share a step that is far too wide, such as only 0 and 5.
        return 1.0 if common > _UNIT and whole % _UNIT == 0 and whole <= _MOST_STEPS * _UNIT else common / _UNIT
    if high - low > _LONG or high - low < 2:
        return (high - low) / _MOST_STEPS
    return 1.0
