"""The words of a comparison: honest about noise, and never unkind."""

from __future__ import annotations

from coach.compare.comparison import Comparison, ComparisonVerdict
from coach.judge.judging import Verdict
from coach.report.words import whole
from coach.submit.changes import CheckChange

NOT_COMPARED = "Not compared"
VERDICTS: dict[ComparisonVerdict, str] = {
    "improved": "Improved",
    "worse": "Worse",
    "no_clear_change": "No clear change",
}
EXAMPLE_VERDICTS: dict[ComparisonVerdict, str] = {
    "improved": "The example shows more",
    "worse": "Your answer shows more",
    "no_clear_change": "No clear difference",
}

LOST_TITLE = "Lost: put this back first"
LOST_HINT = "The old version showed it. Its sentence is quoted, so that it can go back in."
APPEARED_TITLE = "New, and it counts against you"
PUT_BACK = "Put back"
GAINED_TITLE = "Gained"
GONE_TITLE = "Gone: this no longer counts against you"
REMAINING_TITLE = "Still counts against you"
MISSING_TITLE = "Still missing"
CLAIMS_TITLE = "New claims: be ready to explain them"
CLAIMS_HINT = "Only the new version says this, and no advice could have given it. An interviewer may ask about it."
DIFF_TITLE = "The text, old and new"
LEFT_OUT_TITLE = "Left out of the comparison"
RULE_TITLE = "How the verdict is found"
SERIES_TITLE = "The whole series"

EXAMPLE_LOST_TITLE = "What your answer shows and the example does not"
EXAMPLE_APPEARED_TITLE = "What would count against the example"
EXAMPLE_GAINED_TITLE = "What the example shows and your answer does not"
EXAMPLE_GONE_TITLE = "What counts against your answer and not against the example"
EXAMPLE_MISSING_TITLE = "Still missing in your answer"
EXAMPLE_NOTE = (
    "This is one example of a strong answer, not the right answer: others are as good. Take over its ideas, never its "
    "facts; tell what you did yourself."
)

_STATES = {
    Verdict.MET: "there",
    Verdict.PARTLY: "partly there",
    Verdict.NOT_MET: "missing",
    Verdict.UNJUDGED: "not judged",
}
_FLAG_STATES = {**_STATES, Verdict.MET: "said", Verdict.PARTLY: "perhaps said", Verdict.NOT_MET: "not said"}


def verdict_word(comparison: Comparison) -> str:
    """Return the verdict as people say it."""
    if comparison.verdict is None:
        return NOT_COMPARED
    return (EXAMPLE_VERDICTS if comparison.new.example else VERDICTS)[comparison.verdict]


def difference_text(difference: float) -> str:
    """Return a difference of two scores in words, such as ``11 points more``."""
    points = whole(abs(difference))
    if points == 0:
        return "no points more or fewer"
    return f"{points} point{'s' if points > 1 else ''} {'more' if difference > 0 else 'fewer'}"


def signed(points: float) -> str:
    """Return points with their sign, such as ``+7``, ``-3`` or ``0``."""
    number = whole(abs(points))
    return "0" if number == 0 else f"{'+' if points > 0 else '-'}{number}"


def points_text(points: float) -> str:
    """Return what one check moved; less than half a point is not worth a number."""
    number = whole(abs(points))
    return f"{signed(points)} point{'s' if number > 1 else ''}" if number else ""


def step_text(change: CheckChange) -> str:
    """Return how a check changed, such as ``missing → there``."""
    states = _STATES if change.kind == "point" else _FLAG_STATES
    return f"{states[change.old_verdict]} → {states[change.new_verdict]}"


def explanation(comparison: Comparison) -> str:
    """Return what the verdict means; no kinder than the verdict, and no harder."""
    if comparison.verdict is None:
        return comparison.no_verdict_reason or ""
    if comparison.new.example:
        return _EXAMPLE_EXPLANATIONS[comparison.verdict]
    return {"improved": _improved, "worse": _worse, "no_clear_change": _no_clear_change}[comparison.verdict](comparison)


_EXAMPLE_EXPLANATIONS: dict[ComparisonVerdict, str] = {
    "improved": "The example shows more of what an interviewer listens for than your answer does.",
    "worse": "Your answer shows more of what an interviewer listens for than this example does.",
    "no_clear_change": "Your answer shows about as much of what an interviewer listens for as the example.",
}


def _improved(comparison: Comparison) -> str:
    text = "The new version is better: the difference is larger than what rewording alone can move."
    return f"{text} It also lost something; that stands first." if comparison.lost else text


def _worse(comparison: Comparison) -> str:
    text = "The new version shows less of what an interviewer listens for than the old one."
    if comparison.lost:
        return f"{text} What was lost stands first; putting it back is the quickest way up."
    if comparison.red_flags_appeared:
        return f"{text} A new statement counts against you; taking it out is the quickest way up."
    return text


def _no_clear_change(comparison: Comparison) -> str:
    if comparison.old.answer_sha256 == comparison.new.answer_sha256:
        return "The two texts are the same."
    up = comparison.gained or comparison.red_flags_gone
    down = comparison.lost or comparison.red_flags_appeared
    if up and down:
        return (
            "Some things were gained and some were lost; together the difference is too small to call. Put back what "
            "was lost, and the new version is the better one."
        )
    text = (
        "The difference is too small to call: rewording alone can move as much. That says nothing against your work; "
        "what an interviewer listens for is simply there as much as before."
    )
    return f"{text} Aim the next draft at the steps below." if comparison.next_advice else text
