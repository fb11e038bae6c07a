"""Tests of coach.report.marked_answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.report.display_text import clean
from coach.report.marked_answer import Marker, Quoted, mark_answer
from coach.report.words import Standing
from coach.submit.assessment import Evidence

TEXT = "One is wrong. Two is right. Three is half."


def quoted(answer: str, start: int, end: int, number: int, standing: Standing = Standing.EARNED) -> Quoted:
    """Return the quote answer[start:end] for the check ``check-<number>``."""
    evidence = Evidence(sentence=1, start=start, end=end, quote=answer[start:end])
    return Quoted(evidence, Marker(number, standing), f"check-{number}")


@given(st.data())
def test_segments_are_the_answer(data: st.DataObject) -> None:
    """Whatever is quoted, also overlapping, the joined segments hold the answer's every word in order."""
    answer = data.draw(st.text(st.characters(), max_size=60))
    offsets = st.integers(0, len(answer))
    spans = data.draw(st.lists(st.tuples(offsets, offsets), max_size=5))
    quotes = [quoted(answer, min(span), max(span), number) for number, span in enumerate(spans, 1)]

    segments = mark_answer(answer, quotes)

    assert "".join(segment.text for segment in segments).split() == clean(answer).split()


def test_a_quote_is_marked_with_its_points() -> None:
    """A sentence quoted for two points is one segment that carries both markers behind it."""
    quotes = [quoted(TEXT, 14, 27, 2), quoted(TEXT, 14, 27, 1, Standing.PARTLY)]

    segments = mark_answer(TEXT, quotes)

    assert [segment.text for segment in segments] == ["One is wrong. ", "Two is right.", " Three is half."]
    assert segments[1].markers == (Marker(1, Standing.PARTLY), Marker(2, Standing.EARNED))
    assert segments[1].check_ids == ("check-2", "check-1")
    assert segments[0].standing is None


def test_a_mistake_outweighs_praise_for_the_same_sentence() -> None:
    """A sentence that earned a point and also raises a red flag is marked as the red flag."""
    quotes = [quoted(TEXT, 0, 13, 1), quoted(TEXT, 0, 13, 2, Standing.AGAINST)]

    assert mark_answer(TEXT, quotes)[0].standing is Standing.AGAINST


def test_overlapping_quotes_are_marked_where_each_ends() -> None:
    """A marker stands at the end of its own quote."""
    segments = mark_answer(TEXT, [quoted(TEXT, 0, 27, 1), quoted(TEXT, 14, 42, 2)])

    ends = [(segment.text, [marker.number for marker in segment.markers]) for segment in segments]
    assert ends == [("One is wrong. ", []), ("Two is right.", [1]), (" Three is half.", [2])]


def test_white_space_around_a_quote_is_not_marked() -> None:
    """The marker follows the last word, not the blank behind it."""
    segments = mark_answer(TEXT, [quoted(TEXT, 13, 28, 1)])

    assert [segment.text for segment in segments if segment.markers] == ["Two is right."]


def test_a_quote_from_another_text_is_not_marked() -> None:
    """Nothing is marked that the evidence does not quote."""
    stray = Quoted(Evidence(sentence=1, start=0, end=3, quote="Two"), Marker(1, Standing.EARNED), "check-1")

    segments = mark_answer(TEXT, [stray])

    assert [segment.standing for segment in segments] == [None]


def test_an_empty_answer_has_no_segments() -> None:
    """Blank answers show nothing."""
    assert mark_answer(" \n ", []) == ()
