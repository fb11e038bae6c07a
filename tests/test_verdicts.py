"""A probability becomes a verdict in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.judge.judging import Verdict
from coach.judge.verdicts import MET, PARTLY, RED_FLAG_DOUBT, verdict_of

ORDER = [Verdict.NOT_MET, Verdict.PARTLY, Verdict.MET]


def test_each_verdict_begins_at_its_threshold() -> None:
    """MET and PARTLY are the first probabilities of their verdicts; the ends of the scale are clear."""
    assert verdict_of(MET) is Verdict.MET
    assert verdict_of(MET - 0.001) is Verdict.PARTLY
    assert verdict_of(PARTLY) is Verdict.PARTLY
    assert verdict_of(PARTLY - 0.001) is Verdict.NOT_MET
    assert (verdict_of(0.0), verdict_of(1.0)) == (Verdict.NOT_MET, Verdict.MET)


def test_a_red_flag_is_suspected_only_where_it_costs_something() -> None:
    """A statement that is perhaps wrong is not held against anybody below the probability at which its cost begins."""
    assert verdict_of(RED_FLAG_DOUBT, "red_flag") is Verdict.PARTLY
    assert verdict_of(RED_FLAG_DOUBT - 0.001, "red_flag") is Verdict.NOT_MET
    assert verdict_of(MET, "red_flag") is Verdict.MET


def test_no_probability_is_unjudged_and_not_a_no() -> None:
    """What was not judged is never reported as missing."""
    assert verdict_of(None) is Verdict.UNJUDGED


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_gives_a_lower_verdict(one: float, other: float) -> None:
    """The verdict rises with the probability."""
    low, high = sorted((one, other))

    assert ORDER.index(verdict_of(low)) <= ORDER.index(verdict_of(high))
