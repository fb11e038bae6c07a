"""The words that several reports use: on levels, points, steps, and the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from coach.bank.questions import Rubric
from coach.judge.judging import Decider, Verdict
from coach.model.choose import is_loopback
from coach.report.document import Standing
from coach.submit.assessment import Receipt
from coach.submit.scoring import SCORING_RULE

#: Named in front of a statement; an earned point needs no label.
LABELS = {
    Standing.EARNED: "",
    Standing.PARTLY: "partly there",
    Standing.AGAINST: "counts against you",
    Standing.MISSING: "still missing",
    Standing.UNJUDGED: "not judged",
}
#: What the candidate is asked to do about a check; else to add it.
STEP_VERBS = {Standing.AGAINST: "Put right", Standing.PARTLY: "Complete", Standing.EARNED: "Strengthen"}

NOTICES_TITLE = "Please note"
NOT_SCORED = "Not scored"
NOT_JUDGED = "Not judged"

_LEVELS = ("Not yet", "Beginning", "Developing", "Solid", "Strong")
#: Each is a lower bound: a part of the points is enough for all of the credit, and red flags lower it.
_OPENINGS = (
    "Hardly anything that an interviewer listens for is there yet. The steps below are the way in.",
    "This is a beginning: a little of what an interviewer listens for is there.",
    "You are on the way: some of what an interviewer listens for is there.",
    "This is a solid answer: a good part of what an interviewer listens for is there.",
    "This is a strong answer: plenty of what an interviewer listens for is there, and nobody has to name it all.",
)
#: Put before a marker's number, so that its meaning needs no colour.
_MARKER_SIGNS = {Standing.PARTLY: "~", Standing.AGAINST: "!"}
_STATES = {
    Verdict.MET: "there",
    Verdict.PARTLY: "partly there",
    Verdict.NOT_MET: "missing",
    Verdict.UNJUDGED: "not judged",
}
_FLAG_STATES = {**_STATES, Verdict.MET: "said", Verdict.PARTLY: "perhaps said", Verdict.NOT_MET: "not said"}
_OWN_MACHINE = "your own machine"
_COUNTS = ("no", "one", "two", "three", "four", "five", "six")


def level_word(level: int, rubric: Rubric) -> str:
    """Return the title that all criteria of the rubric give this level, or a plain word of our own."""
    titles = {criterion.levels[level].title for criterion in rubric.criteria}
    return titles.pop() if len(titles) == 1 else _LEVELS[level]


def opening(level: int, red_flags: int, doubtful: int = 0, *, harm: bool = False) -> str:
    """Return the sentences that say how the answer stands, never kinder than its level.

    ``red_flags`` are sure ones, ``doubtful`` those that may be meant otherwise. ``harm`` comes before everything else.
    """
    if harm:
        return (
            "Part of this answer would harm patients, their data or their privacy. No interviewer looks past that, so "
            "it stays below half of the scale whatever else is good; put that right first."
        )
    flags = (
        f"{_statements(red_flags)} would count against you; put that right first."
        if red_flags
        else f"{_statements(doubtful)} may count against you; look at that first."
        if doubtful
        else ""
    )
    # Much may be there and have been taken away again by what counts against it.
    amount = "" if flags and level == 0 else _OPENINGS[level]
    return " ".join(part for part in (amount, flags) if part)


def criterion_sentence(
    standings: Sequence[Standing], *, full: bool, numbers: bool, costs: bool = False, harm: bool = False
) -> str:
    """Return what was shown of a criterion, from the standings of its points alone, so that it cannot contradict them.

    ``full`` says that its credit is full: a part of its points is enough for that. ``costs`` says that a red flag took
    part of a credit that is left, ``harm`` that one counts against the whole answer and not against the criterion.
    """
    made, partly = standings.count(Standing.EARNED), standings.count(Standing.PARTLY)
    total = made + partly + standings.count(Standing.MISSING)
    if not total:
        return "None of its points could be judged."
    if numbers:
        shown = f"{made} of {counted(total, 'point')} made" + (f", {partly} partly" if partly else "")
    elif made == total:
        shown = "All of its points made"
    elif made:
        shown = "Some of its points made"
    else:
        shown = "Some of its points touched" if partly else "None of its points made yet"
    enough = "; that is enough for all of the credit" if full and made < total else ""
    cost = " What counts against it costs part of the credit." if costs else ""
    harmful = " What would do harm counts against the whole answer." if harm else ""
    return f"{shown}{enough}.{cost}{harmful}"


def steps_title(steps: int) -> str:
    """Return the heading above the improvements."""
    return "The step that would help most" if steps == 1 else f"The {_count(steps)} steps that would help most"


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


def change_text(kind: str, old: Verdict, new: Verdict) -> str:
    """Return how a check changed, such as ``missing → there``."""
    states = _STATES if kind == "point" else _FLAG_STATES
    return f"{states[old]} → {states[new]}"


def check_text(kind: str, statement: str) -> str:
    """Return the statement of a check in a list where points and red flags stand together."""
    return f"Red flag: {statement}" if kind == "red_flag" else statement


def whole(number: float) -> int:
    """Round a number that is not negative as people do: halves go up."""
    return int(number + 0.5)


def marker_text(standing: Standing, number: int | str) -> str:
    """Return the marker of a point as it stands behind a quoted sentence, such as ``[2]`` or ``[!1]``."""
    return f"[{_MARKER_SIGNS.get(standing, '')}{number}]"


def sentence(text: str) -> str:
    """Return a remark as a sentence: with a capital letter and an end."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?', '…')) else '.'}" if text else ""


def _statements(number: int) -> str:
    return "One statement" if number == 1 else f"{_count(number).capitalize()} statements"


def _count(number: int) -> str:
    return _COUNTS[number] if number < len(_COUNTS) else str(number)


def receipt_lines(receipt: Receipt, *, judged: bool = True) -> tuple[tuple[str, ...], ...]:
    """Return two lines as their parts: who judged at what cost, and what is needed to judge the same way again.

    Without a single verdict (``judged`` False) the receipt does not claim one.
    """
    read, written = receipt.input_tokens, receipt.output_tokens
    where = f"{receipt.model} at {receipt.endpoint}"
    usage = [f"Judged by {where} in {_seconds_text(receipt.seconds)}" if judged else f"Nothing was judged by {where}"]
    if receipt.decided_by and "model" not in receipt.decided_by and not read and not written:
        usage = [f"Judged on this machine in {_seconds_text(receipt.seconds)}; {receipt.model} had nothing to decide"]
    if read or written:
        cached = f" ({receipt.cached_tokens:,} cached)" if receipt.cached_tokens else ""
        tokens = [] if read is None else [f"{read:,} tokens read{cached}"]
        if written is not None:
            tokens.append(f"{written:,} written" if tokens else f"{written:,} tokens written")
        usage.append(", ".join(tokens))
    if receipt.decided_by:
        counts = [
            f"{receipt.decided_by[who]} by {name}" for who, name in _DECIDERS.items() if who in receipt.decided_by
        ]
        usage.append(f"checks decided: {', '.join(counts)}")
    usage.append(f"cost: {_cost_text(receipt)}")
    if not judged and read == written == 0:
        usage = ["No model was asked, and the answer was sent nowhere"]
    origin = [
        f"method {receipt.judge}",
        f"prompts {receipt.prompt_version}",
        f"coach {receipt.coach_version}",
        *([f"older scoring rule {receipt.scoring_rule}"] if receipt.scoring_rule != SCORING_RULE else []),
        *([f"calibration {receipt.calibration}"] if receipt.calibration else []),
        _moment(receipt.created_at),
    ]
    return tuple(usage), tuple(origin)


#: Who decided, in the words of a receipt.
_DECIDERS: dict[Decider, str] = {
    "matcher": "the small matcher",
    "model": "the model",
    "similarity": "likeness to the author's sentences",
}


def _cost_text(receipt: Receipt) -> str:
    """Return the cost in words; an unknown price is never shown as free."""
    own = is_loopback(receipt.endpoint)
    cost = receipt.cost_usd
    if cost is None:
        return f"none known ({_OWN_MACHINE})" if own else "unknown (no price known for this model)"
    if cost == 0:
        return f"none ({_OWN_MACHINE})" if own else "none"
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.5f}".rstrip("0") if cost >= 0.00001 else "less than $0.00001"


def _seconds_text(seconds: float) -> str:
    """Return a duration: tenths of a second below a minute, else minutes and seconds."""
    if seconds < 59.95:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} seconds"


def _moment(created_at: str) -> str:
    try:
        moment = datetime.fromisoformat(created_at)
    except ValueError:
        return created_at
    if moment.tzinfo is None:
        return f"{moment:%Y-%m-%d %H:%M}"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
