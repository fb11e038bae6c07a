"""Rubrics, checks and probabilities of any shape, for property tests of everything that computes a score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hypothesis import strategies as st

from coach.bank.questions import Check, Criterion, Level, Rubric

Kind = Literal["point", "red_flag"]

WEIGHTS = st.floats(0.1, 5)
PROBABILITIES = st.one_of(st.none(), st.floats(0, 1))
LEVELS = [Level(level=number, title=f"Level {number}", descriptor="As said.") for number in range(5)]


@dataclass(frozen=True)
class Case:
    """A rubric, the checks of one question, and what a judge found."""

    rubric: Rubric
    checks: tuple[Check, ...]
    probabilities: dict[str, float | None]

    def with_probability(self, check: Check, probability: float | None) -> Case:
        """Return the case in which one check came out differently."""
        return replace(self, probabilities={**self.probabilities, check.id: probability})

    def without(self, check: Check) -> Case:
        """Return the case in which the question has one check less."""
        return replace(self, checks=tuple(c for c in self.checks if c.id != check.id))


def make_check(
    check_id: str, criterion: str, kind: Kind = "point", weight: float = 1.0, *, harm: bool = False
) -> Check:
    """Return a check of a criterion."""
    return Check(
        id=check_id,
        criterion=criterion,
        kind=kind,
        harm=harm,
        weight=weight,
        statement=f"Says {check_id}.",
        advice="Add it.",
    )


def make_rubric(weights: list[float], enough: float = 1.0) -> Rubric:
    """Return a rubric with the criteria ``c0``, ``c1``, … of these weights."""
    criteria = [
        Criterion(id=f"c{number}", title=f"Criterion {number}", weight=weight, enough=enough, levels=LEVELS)
        for number, weight in enumerate(weights)
    ]
    return Rubric(id="any", title="Any", description="Any.", criteria=criteria)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a case with one to four criteria of up to five checks each."""
    rubric = make_rubric(draw(st.lists(WEIGHTS, min_size=1, max_size=4)), draw(st.sampled_from((1.0, 0.6))))
    kinds: st.SearchStrategy[Kind] = st.sampled_from(("point", "point", "point", "red_flag"))
    checks = [
        make_check(f"{criterion.id}-k{number}", criterion.id, kind, weight, harm=kind == "red_flag" and weight > 4)
        for criterion in rubric.criteria
        for number, (kind, weight) in enumerate(draw(st.lists(st.tuples(kinds, WEIGHTS), max_size=5)))
    ]
    if draw(st.booleans()):
        checks.append(make_check("harm", "whole-answer", "red_flag", harm=True))
    return Case(rubric, tuple(checks), {check.id: draw(PROBABILITIES) for check in checks})


def cases_with_a_check() -> st.SearchStrategy[Case]:
    """Draw a case that has a check."""
    return cases().filter(lambda case: len(case.checks) > 0)
