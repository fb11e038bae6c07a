"""Which sentence is quoted for which check."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.judge.quoting import Likeness, choose_quotes

SHARE = st.floats(0, 1)
LIKENESS = st.builds(Likeness, st.lists(SHARE, min_size=1, max_size=6), SHARE, SHARE, SHARE)


def like(*examples: float, statement: float = 0.3, words: float = 0.0) -> Likeness:
    """Return what a sentence has in common with a check."""
    return Likeness(list(examples), statement, words, 0.0)


def test_several_examples_say_more_than_one() -> None:
    """A sentence near to one odd example loses to one that is near to all."""
    odd, typical = like(0.6, 0.1, 0.1, 0.1), like(0.5, 0.5, 0.5, 0.1)

    assert choose_quotes([[odd, typical]]) == [1]


def test_the_telling_word_decides() -> None:
    """Of two sentences on the same topic the one that names what the check asks for is quoted."""
    assert choose_quotes([[like(0.5), like(0.45, words=0.5)]]) == [1]


def test_a_sentence_about_everything_is_quoted_for_nothing() -> None:
    """It comes near to every check, each of which has a sentence of its own that comes nearly as near."""
    everything, other = like(0.6), like(0.1)
    own = like(0.5)

    assert choose_quotes([[everything, own, other], [everything, other, own]]) == [1, 2]


def test_a_story_is_quoted_where_one_is_asked_for() -> None:
    """Of two sentences that come as near, the one that tells of an event shows the example."""
    habit, story = Likeness([0.45], 0.3, 0.0, 0.0), Likeness([0.4], 0.3, 0.0, 0.0, event=1.0)

    assert choose_quotes([[habit, story]]) == [1]


@given(st.data())
def test_each_check_gets_a_sentence_that_exists(data: st.DataObject) -> None:
    """Whatever was measured, there is one index for each check."""
    sentences = data.draw(st.integers(1, 5))
    rows = data.draw(st.lists(st.lists(LIKENESS, min_size=sentences, max_size=sentences), min_size=1, max_size=4))

    quotes = choose_quotes(rows)

    assert len(quotes) == len(rows)
    assert all(0 <= quote < sentences for quote in quotes)
