"""Tests of coach.compare.comparison_diff."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.compare.comparison_diff import DiffPiece, diff_pieces, diff_rows, needs_gap
from coach.compare.text_diff import diff_texts
from coach.report.display_text import reflow, visible_part

SENTENCE = st.sampled_from(
    ["We had an outage. ", "It was full! ", "I called the vendor,\r\nat once. ", "\n\n- one item\n", "so "]
)
TEXTS = st.one_of(st.lists(SENTENCE, max_size=7).map("".join), st.text(max_size=40))


def pieces(old: str, new: str) -> tuple[DiffPiece, ...]:
    """Return the pieces of two texts without changes in checks."""
    return diff_pieces(diff_texts(old, new), old, new, {})


@given(TEXTS, TEXTS)
def test_the_pieces_are_both_texts_made_fit_for_display(old: str, new: str) -> None:
    """Joined, the old parts are the whole old text, and the new parts the whole new one."""
    found = pieces(old, new)

    assert "".join(piece.old for piece in found) == visible_part(reflow(old))
    assert "".join(piece.new for piece in found) == visible_part(reflow(new))


@given(TEXTS, TEXTS)
def test_the_rows_hold_every_piece_once_and_in_order(old: str, new: str) -> None:
    """Two columns read down are the two texts."""
    rows = diff_rows(pieces(old, new))

    assert "".join(piece.old for left, _ in rows for piece in left) == visible_part(reflow(old))
    assert "".join(piece.new for _, right in rows for piece in right) == visible_part(reflow(new))


def test_rows_are_cut_where_both_texts_end_a_sentence() -> None:
    """What follows a sentence that both have starts on the same line in both columns."""
    old = "We had an outage. The disk was full. I called the vendor."
    new = "We had an outage. The disk was nearly full. I called the vendor and my boss."
    rows = diff_rows(pieces(old, new))

    assert [("".join(p.old for p in left), "".join(p.new for p in right)) for left, right in rows] == [
        ("We had an outage. ", "We had an outage. "),
        ("The disk was full. ", "The disk was nearly full. "),
        ("I called the vendor.", "I called the vendor and my boss."),
    ]


def test_a_change_is_numbered_once_in_each_text() -> None:
    """A sentence that was edited in several places carries its number behind the last of them."""
    old = "The CT sends all its images to the archive with C-STORE every night."
    new = "The MR sends all its pictures to the archive with C-STORE every day."
    diff = diff_texts(old, new)
    for segment in diff.segments:
        segment.check_ids = ["transfer-services"] if segment.kind != "same" else []
    found = diff_pieces(diff, old, new, {"transfer-services": 4})

    assert [(p.kind, p.text.strip()) for p in found if p.numbers] == [("removed", "night."), ("inserted", "day.")]
    assert {p.numbers for p in found if p.numbers} == {(4,)}


def test_the_ends_of_two_texts_are_kept_apart() -> None:
    """Where the last word of the old text meets a new one, a blank belongs between them in one running text."""
    removed, inserted = DiffPiece("removed", "the end.", ""), DiffPiece("inserted", "", "A new end.")

    assert needs_gap(removed, inserted)
    assert not needs_gap(None, inserted)
    assert not needs_gap(DiffPiece("removed", "the end. ", ""), inserted)
    assert not needs_gap(DiffPiece("same", "a", "a"), inserted)
