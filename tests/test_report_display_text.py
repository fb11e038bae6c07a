"""Tests of coach.report.display_text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.report.display_text import clean, lines, one_line, reflow, visible_part

ANY_TEXT = st.text(st.characters())


@given(ANY_TEXT)
def test_cleaning_keeps_every_offset_and_leaves_nothing_to_obey(text: str) -> None:
    """Clean text is as long as the original, can be encoded, and holds no control character but line breaks."""
    cleaned = clean(text)

    assert len(cleaned) == len(text)
    cleaned.encode("utf-8")
    assert not [char for char in cleaned if (char < " " and char not in "\r\n") or "\x7f" <= char <= "\x9f"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\u241b[31mred"),
        ("bell\x07", "bell\u2407"),
        ("del\x7f", "del\u2421"),
        ("csi\x9b2J", "csi\ufffd2J"),
        ("evil\u202etxt", "evil\ufffdtxt"),
        ("\ud800", "\ufffd"),
        ("a\tb\u00a0c", "a b c"),
        ("👩\u200d💻 é 日本", "👩\u200d💻 é 日本"),
    ],
)
def test_what_a_terminal_would_obey_becomes_visible(text: str, shown: str) -> None:
    """Escape sequences and direction overrides are shown as signs; letters and emoji stay as they are."""
    assert clean(text) == shown


def test_one_line_folds_white_space() -> None:
    """Text for one line has no line breaks and no double blanks."""
    assert one_line("  a\r\n  b\tc ") == "a b c"


def test_lines_have_line_feeds_only() -> None:
    """Text of several lines is shown the same whatever system it was typed on."""
    assert lines("a\r\nb\rc\n") == "a\nb\nc"


@given(ANY_TEXT)
def test_reflowed_text_keeps_every_offset(text: str) -> None:
    """Quotes can be cut from the reflowed text by their offsets in the answer."""
    reflowed = reflow(text)

    assert len(reflowed) == len(text)
    assert "\r" not in reflowed
    assert visible_part(reflowed).split() == clean(text).split()


LONG = "A line that an editor wrapped at the width of its window, as here,"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{LONG}\nand so on", f"{LONG} and so on"),
        (f"{LONG}\r\nand so on", f"{LONG} and so on"),
        (f"{LONG}\n\nand so on", f"{LONG}\n\nand so on"),
        (f"{LONG}\r\n\r\nand so on", f"{LONG}\n\nand so on"),
        (f"{LONG}\n- a list item", f"{LONG}\n- a list item"),
        (f"{LONG}\n2. a list item", f"{LONG}\n2. a list item"),
        ("short\nlines", "short\nlines"),
    ],
)
def test_only_line_breaks_made_by_wrapping_become_blanks(text: str, shown: str) -> None:
    """Paragraphs, list items and short lines stay as typed; wrapped prose flows."""
    assert visible_part(reflow(text)) == shown
