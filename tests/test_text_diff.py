"""Tests of coach.compare.text_diff."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.compare.result import TextDiff
from coach.compare.text_diff import diff_texts

OLD = (
    "We had an outage last May. The archive was down for two hours, and nobody knew why. I called the vendor. "
    "Then I checked the disk of the database server. It was full."
)
SENTENCE = st.sampled_from(
    [
        "We had an outage last May.",
        "The archive was down for two hours.",
        "the archive was down, for two hours!",
        "I called the vendor",
        "- I checked the disk.",
        "Yes.",
        "  ",
        "\n\n",
        "It was full, e.g. of logs; café 日本 don't 3.5 %",
    ]
)
TEXTS = st.one_of(st.lists(SENTENCE, max_size=8).map(" ".join), st.text(max_size=60))


def shown(old: str, new: str) -> list[tuple[str, str]]:
    """Return the pieces of a diff as (kind, text without its edges)."""
    return [(segment.kind, segment.text.strip()) for segment in diff_texts(old, new).segments]


def rebuilt(diff: TextDiff, old: str, new: str) -> tuple[str, str]:
    """Join the spans of all segments, in their order, to the two texts."""
    return (
        "".join(old[s.old_start : s.old_end] for s in diff.segments),
        "".join(new[s.new_start : s.new_end] for s in diff.segments),
    )


@given(TEXTS, TEXTS)
def test_the_segments_rebuild_both_texts(old: str, new: str) -> None:
    """Old spans joined are the old text, new spans joined the new one, without gaps, and each piece has its text."""
    diff = diff_texts(old, new)

    assert rebuilt(diff, old, new) == (old, new)
    old_place = new_place = 0
    for segment in diff.segments:
        assert (segment.old_start, segment.new_start) == (old_place, new_place)
        old_place, new_place = segment.old_end, segment.new_end
        own = old[segment.old_start : segment.old_end]
        other = new[segment.new_start : segment.new_end]
        assert segment.text == (own if segment.kind == "removed" else other)
        if segment.kind == "same":
            assert own.split() == other.split()
        else:
            assert (own == "") == (segment.kind == "inserted")
            assert (other == "") == (segment.kind == "removed")
    assert (old_place, new_place) == (len(old), len(new))


@given(TEXTS, TEXTS)
def test_swapping_the_texts_mirrors_the_diff(old: str, new: str) -> None:
    """What was removed is inserted, at the same places, and moved sentences keep their numbers."""
    there, back = diff_texts(old, new), diff_texts(new, old)
    kinds = {"removed": "inserted", "inserted": "removed", "same": "same"}

    mirrored = {(kinds[s.kind], s.text, s.moved) for s in back.segments if s.kind != "same"}
    assert mirrored == {(s.kind, s.text, s.moved) for s in there.segments if s.kind != "same"}
    assert {(m.number, m.new_start, m.new_end, m.old_start, m.old_end) for m in back.moved} == {
        (m.number, m.old_start, m.old_end, m.new_start, m.new_end) for m in there.moved
    }


@given(TEXTS)
def test_a_text_is_the_same_as_itself(text: str) -> None:
    """Nothing is removed, inserted or moved."""
    diff = diff_texts(text, text)

    assert [segment.kind for segment in diff.segments] == (["same"] if text else [])
    assert diff.moved == []


def test_words_are_compared_not_letters() -> None:
    """A changed word is removed and inserted as a whole, the words around it stay."""
    assert shown(OLD, OLD.replace("two hours", "three hours")) == [
        ("same", "We had an outage last May. The archive was down for"),
        ("removed", "two"),
        ("inserted", "three"),
        ("same", OLD[OLD.index("hours") :]),
    ]


def test_scattered_changes_are_gathered() -> None:
    """A stretch that was rewritten is one change, not a patchwork of the few words that are the same by chance."""
    assert shown("I asked the vendor to look at it.", "I wrote to our own team about it.") == [
        ("same", "I"),
        ("removed", "asked the vendor to look at"),
        ("inserted", "wrote to our own team about"),
        ("same", "it."),
    ]


def test_a_full_stop_is_not_all_that_stays() -> None:
    """Of two different sentences not even the full stop is the same, but a sentence that goes on keeps it."""
    assert shown("We called them.", "Nobody answered.") == [
        ("removed", "We called them."),
        ("inserted", "Nobody answered."),
    ]
    assert shown("We called them.", "We called them twice.") == [
        ("same", "We called them"),
        ("inserted", "twice"),
        ("same", "."),
    ]


def test_new_line_breaks_change_no_word() -> None:
    """A paragraph that was only wrapped anew is the same."""
    assert [kind for kind, _ in shown(OLD, OLD.replace(" ", "\n"))] == ["same"]


@pytest.mark.parametrize("spelling", ["{}", "{} "])
def test_a_moved_sentence_is_recognised(spelling: str) -> None:
    """A sentence at another place is one piece at both places, and is quoted once with both places."""
    sentence = "Then I checked the disk of the database server."
    new = spelling.format(sentence + " " + OLD.replace(sentence + " ", ""))
    diff = diff_texts(OLD, new)

    (moved,) = diff.moved
    assert (moved.number, moved.quote) == (1, sentence)
    assert OLD[moved.old_start : moved.old_end].strip() == new[moved.new_start : moved.new_end].strip() == sentence
    assert {s.kind for s in diff.segments if s.moved == 1} == {"removed", "inserted"}
    assert all(s.moved == 1 for s in diff.segments if s.kind != "same" and s.text.strip())


def test_moved_sentences_may_differ_in_capitals_and_punctuation() -> None:
    """Moving a sentence often changes a comma or a capital; it is still the same sentence."""
    diff = diff_texts(
        "Then, I checked the whole disk. We had an outage in May.",
        "We had an outage in May! Then I Checked the whole disk.",
    )

    assert len(diff.moved) == 1


def test_short_sentences_are_not_called_moved() -> None:
    """Three words at another place are no move worth telling."""
    diff = diff_texts("It was full. I called the vendor at once.", "I called the vendor at once. It was full.")

    assert [moved.quote for moved in diff.moved] in ([], ["I called the vendor at once."])


def test_a_sentence_used_twice_moves_once() -> None:
    """One sentence of the old text cannot arrive at two places of the new one."""
    diff = diff_texts(
        "First this happened to us. B is next in the row.",
        "B is next in the row. First this happened to us. First this happened to us.",
    )

    assert len(diff.moved) == 1


def test_a_sentence_that_stays_between_rewritten_ones_stays() -> None:
    """However short it is: what is gathered are words inside of sentences."""
    old = "We looked at the disk of the server. It was full. So we called the vendor at once."
    new = "My colleague and I read the logs together. It was full. Nobody had an idea what to do."

    assert ("same", "It was full.") in shown(old, new)


def test_long_texts_without_common_sentences_are_compared_in_time() -> None:
    """Thousands of words without a full stop, some of which are the same, take a moment only."""
    one = " ".join(f"word{number % 997} the" for number in range(3000))
    other = " ".join(f"term{number % 991} the" for number in range(3000))
    started = time.process_time()

    assert rebuilt(diff_texts(one, other), one, other) == (one, other)
    assert time.process_time() - started < 5
