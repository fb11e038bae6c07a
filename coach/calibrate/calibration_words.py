"""The words of the report on a judge, so that terminal and HTML say the same."""

from __future__ import annotations

from collections.abc import Sequence

from coach.calibrate.result import Agreement, AgreementReport, Scale, Statistic
from coach.report.words import counted

#: Field of an Agreement, its name, and what it says, for people who do not know it.
STATISTICS = (
    ("pearson", "Pearson r", "how well the marks lie on one line (1: perfectly, 0: not at all)"),
    ("spearman", "Spearman rho", "how well the order of the answers agrees"),
    ("qwk", "QWK", "agreement beyond chance; a large difference counts more than a small one"),
    ("rmse", "RMSE", "typical difference, in marks"),
    ("exact", "Exact", "share of answers with the same mark, rounded to steps of the scale"),
    ("adjacent", "Adjacent", "share of answers at most one step apart"),
    ("bias", "Bias", "judge minus human, in marks; above 0 the judge is milder"),
)
_SHARES = ("exact", "adjacent")
UNDEFINED = "–"
TITLE = "How far this judge agrees with people"
LINEAR_NOTE = "The judge's score of 0 to 100 is mapped linearly to the scale of the marks; intervals are 95 %."


def number(value: float) -> str:
    """Return a figure with two decimals and a real minus sign."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def mark(value: float) -> str:
    """Return a mark as short as it can be written with two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")


def signed(value: float) -> str:
    """Return a difference with its sign."""
    text = number(value)
    return text if text.startswith("−") or text == "0.00" else f"+{text}"


def figure(field: str, statistic: Statistic) -> str:
    """Return a statistic with its interval, such as ``0.62 [0.51, 0.71]``."""
    if statistic.value is None:
        return UNDEFINED
    write = _hundredths if field in _SHARES else number
    text = signed(statistic.value) if field == "bias" else write(statistic.value)
    unit = " %" if field in _SHARES else ""
    if statistic.interval is None:
        return f"{text}{unit}"
    low, high = statistic.interval
    return f"{text}{unit} [{write(low)}, {write(high)}]"


def plain_figure(field: str, value: float | None) -> str:
    """Return a statistic without interval."""
    return figure(field, Statistic(value=value, n=0))


def reasons(agreements: Sequence[tuple[str, Agreement]]) -> list[str]:
    """Return why figures are missing or limited, each reason once, with what it concerns."""
    found: dict[str, list[str]] = {}
    for where, agreement in agreements:
        for field, title, _ in STATISTICS:
            reason = getattr(agreement, field).reason
            if reason:
                found.setdefault(f"{where}: {reason}", []).append(title)
    return [f"{', '.join(titles)} ({text})" for text, titles in found.items()]


def scale_text(scale: Scale) -> str:
    """Return a scale in words."""
    return f"{mark(scale.low)} to {mark(scale.high)} in steps of {mark(scale.step)}"


def headline(report: AgreementReport) -> list[str]:
    """Return the most important findings as sentences, what was left out last."""
    gold = report.gold
    scale = "given" if gold.scale_given else "found in the data; --scale LOW HIGH sets it"
    lines = [
        f"{counted(report.judged, 'answer')} to {counted(gold.questions, 'question')}, "
        f"marked from {scale_text(gold.scale)} ({scale}).",
        *_against_raters(report),
        *_bias(report),
        *_length(report),
    ]
    if report.unjudged:
        why = "; ".join(f"{item.reason} ({item.count})" for item in report.unjudged_reasons)
        lines.append(f"Not judged and left out: {counted(report.unjudged, 'answer')}. {why}.")
    if gold.unreadable:
        lines.append(f"{counted(gold.unreadable, 'row')} of the file could not be used.")
    return lines


def calibration_text(report: AgreementReport) -> list[str]:
    """Return what was fitted and how to use it; nothing without a calibration."""
    outcome = report.calibration
    if outcome is None:
        return []
    return [
        f"Fitted on {counted(outcome.fit_answers, 'answer')} to {counted(outcome.fit_questions, 'question')}, measured "
        f"on {counted(outcome.held_out_answers, 'answer')} to the other {outcome.held_out_questions}.",
        f"Use it with: coach submit ID --calibration {outcome.name}",
    ]


def repeat_text(report: AgreementReport) -> str | None:
    """Return how much repeated scores vary; None when nothing was repeated."""
    spread = report.repeat
    if spread is None:
        return None
    if spread.mean_sd is None or spread.max_sd is None or spread.max_range is None:
        return f"No answer was judged {spread.times} times."
    judged = f"Judged {spread.times} times: {counted(spread.answers, 'answer')}"
    if not spread.changed:
        return f"{judged}; every score stayed the same."
    return (
        f"{judged}; {spread.changed} changed. Standard deviation in "
        f"points of 100: {number(spread.mean_sd)} on average, {number(spread.max_sd)} at most; "
        f"largest range {number(spread.max_range)}."
    )


def _against_raters(report: AgreementReport) -> list[str]:
    human = report.human
    if human is None:
        return []
    raters = human.raters.pooled.pearson.value
    each = [human.judge_rater_1.pooled.pearson.value, human.judge_rater_2.pooled.pearson.value]
    if raters is None or each[0] is None or each[1] is None:
        return []
    average = (each[0] + each[1]) / 2
    return [
        f"Two raters agree with each other at r = {number(raters)}; the judge agrees with one of them at "
        f"r = {number(average)} on average ({human.n} answers)."
    ]


def _bias(report: AgreementReport) -> list[str]:
    bias = report.agreement.pooled.bias
    if bias.value is None or bias.interval is None:
        return []
    if bias.interval[0] <= 0 <= bias.interval[1]:
        return ["The judge is neither clearly milder nor clearly stricter than people."]
    kind = "milder" if bias.value > 0 else "stricter"
    return [f"The judge is {kind} than people by {number(abs(bias.value))} marks on average."]


def _length(report: AgreementReport) -> list[str]:
    judge, human = report.length["judge"].value, report.length["human"].value
    if judge is None or human is None:
        return []
    return [f"Correlation of marks with length: {number(judge)} for the judge, {number(human)} for people."]


def _hundredths(value: float) -> str:
    return f"{100 * value:.0f}"
