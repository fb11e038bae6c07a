"""The words that every report uses, so that terminal, Markdown and HTML say the same."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from coach.bank.questions import Rubric


class Standing(StrEnum):
    """How one check stands in the answer, in the order in which a criterion lists them."""

    EARNED = "earned"
    PARTLY = "partly"
    AGAINST = "against"
    MISSING = "missing"
    UNJUDGED = "unjudged"

    @property
    def rank(self) -> int:
        """Its place in that order, from 0."""
        return list(Standing).index(self)


#: Named in front of a statement; an earned point needs no label.
LABELS = {
    Standing.EARNED: "",
    Standing.PARTLY: "partly there",
    Standing.AGAINST: "counts against you",
    Standing.MISSING: "still missing",
    Standing.UNJUDGED: "not judged",
}
#: Stand in front of a point; each has another shape, so that none is told by its colour alone.
SIGNS = {
    Standing.EARNED: "✓",
    Standing.PARTLY: "◐",
    Standing.AGAINST: "✗",
    Standing.MISSING: "○",
    Standing.UNJUDGED: "?",
}
#: A red flag that was only partly found.
LABEL_MAY_COUNT_AGAINST = "may count against you"

STRENGTHS_TITLE = "What your answer already does"
CRITERIA_TITLE = "Criterion by criterion"
ANSWER_TITLE = "Your answer"
MARKED_ANSWER_TITLE = "Your answer, marked"
FOLLOW_UP_TITLE = "An interviewer may ask next"
OUTLINE_TITLE = "An outline for your next draft"
NOTICES_TITLE = "Please note"
NEXT_TITLE = "What you can do now"
NOT_SCORED = "Not scored"
NOT_JUDGED = "Not judged"

_LEVELS = ("Not shown", "Beginning", "Developing", "Solid", "Strong")
_OPENINGS = (
    "What an interviewer listens for is not there yet. The steps below are the way in.",
    "This is a beginning: little of what an interviewer listens for is there yet.",
    "You are on the way: some of what an interviewer listens for is there, some is still missing.",
    "This is a solid answer: much of what an interviewer listens for is there.",
    "This is a strong answer: it shows nearly everything an interviewer listens for.",
)
#: Put before a marker's number, so that its meaning needs no colour.
_MARKER_SIGNS = {Standing.PARTLY: "~", Standing.AGAINST: "!"}
_COUNTS = ("no", "one", "two", "three", "four", "five", "six")


def level_word(level: int, rubric: Rubric) -> str:
    """Return the title that all criteria of the rubric give this level, or a plain word of our own."""
    titles = {criterion.levels[level].title for criterion in rubric.criteria}
    return titles.pop() if len(titles) == 1 else _LEVELS[level]


def opening(level: int, red_flags: int, doubtful: int = 0) -> str:
    """Return the sentences that say how the answer stands, never kinder than its level.

    ``red_flags`` are sure ones, ``doubtful`` those that may be meant otherwise.
    """
    if red_flags:
        return f"{_OPENINGS[level]} {_statements(red_flags)} would count against you; put that right first."
    if doubtful:
        return f"{_OPENINGS[level]} {_statements(doubtful)} may count against you; look at that first."
    return _OPENINGS[level]


def red_flags_title(sure: bool) -> str:
    """Return the heading above the red flags; doubtful ones are not called wrong."""
    return "Put this right first" if sure else "Look at this first"


def steps_title(steps: int) -> str:
    """Return the heading above the improvements."""
    return "The step that would help most" if steps == 1 else f"The {_count(steps)} steps that would help most"


def step_verb(standing: Standing) -> str:
    """Return what the candidate is asked to do about a check."""
    verbs = {Standing.AGAINST: "Put right", Standing.PARTLY: "Complete", Standing.EARNED: "Strengthen"}
    return verbs.get(standing, "Add")


def gain_text(gain: float) -> str:
    """Return how much an improvement can bring, as people say it; empty when it brings nothing."""
    points = whole(gain)
    if gain <= 0:
        return ""
    if points < 1:
        return "less than one point"
    return f"up to {points} point{'s' if points > 1 else ''}"


def counted(count: int, what: str) -> str:
    """Return a number of things, in the plural where that is right."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def check_text(kind: str, statement: str) -> str:
    """Return the statement of a check in a list where points and red flags stand together."""
    return f"Red flag: {statement}" if kind == "red_flag" else statement


def whole(number: float) -> int:
    """Round a number that is not negative as people do: halves go up."""
    return int(number + 0.5)


def marker_text(standing: Standing, number: int | str) -> str:
    """Return the marker of a point as it stands behind a quoted sentence, such as ``[2]`` or ``[!1]``."""
    return f"[{_MARKER_SIGNS.get(standing, '')}{number}]"


def marker_legend(standings: Sequence[Standing]) -> tuple[tuple[Standing, str], ...]:
    """Return what the marks in the answer mean, for the standings that occur."""
    meaning = {
        Standing.EARNED: "earned you a point",
        Standing.PARTLY: "partly there",
        Standing.AGAINST: "counts against you",
    }
    return tuple((standing, text) for standing, text in meaning.items() if standing in standings)


def sentence(text: str) -> str:
    """Return a remark as a sentence: with a capital letter and an end."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?', '…')) else '.'}" if text else ""


def _statements(number: int) -> str:
    return "One statement" if number == 1 else f"{_count(number).capitalize()} statements"


def _count(number: int) -> str:
    return _COUNTS[number] if number < len(_COUNTS) else str(number)
