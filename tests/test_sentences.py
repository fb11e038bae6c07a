"""An answer is split into numbered sentences that are verbatim pieces of the text as given."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coach.answer.answer import Sentence
from coach.answer.sentences import clean, is_invisible, split_sentences

#: Everything that a text may hold, lone surrogates and unassigned characters included.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=300)
#: What answers are made of: words, abbreviations, marks, list markers, all kinds of white space.
WORDS = ["We", "checked", "e.g.", "PS3.4", "v2.5", "Dr.", "C-STORE", "é", "e\u0301", "我们。", "🙂"]
MARKS = [".", "!", "?", "…", '"', ")", "- ", "1. ", "a) ", "• "]
BLANKS = [" ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2028", "\u200b", "\ufeff", "\x0b"]
ANSWER_LIKE = st.lists(st.sampled_from(WORDS + MARKS + BLANKS), max_size=60).map("".join)


def texts(text: str, language: str = "en") -> list[str]:
    """Return the cleaned sentences of a text."""
    return [sentence.text for sentence in split_sentences(text, language)]


def assert_true_of_any_text(text: str, sentences: list[Sentence]) -> None:
    """Check what holds for the sentences of any text."""
    assert [sentence.number for sentence in sentences] == list(range(1, len(sentences) + 1))
    position = 0
    for sentence in sentences:
        assert position <= sentence.start < sentence.end <= len(text)
        position = sentence.end
        piece = text[sentence.start : sentence.end]
        assert piece == piece.strip()
        assert sentence.text == clean(piece)
        assert not any(is_invisible(char) for char in sentence.text)
        assert sentence.text == " ".join(sentence.text.split())


def gaps(text: str, sentences: list[Sentence]) -> list[tuple[int, int]]:
    """Return the stretches of the text that belong to no sentence."""
    edges = [0, *(offset for s in sentences for offset in (s.start, s.end)), len(text)]
    return list(zip(edges[::2], edges[1::2], strict=True))


@given(st.one_of(ANY_TEXT, ANSWER_LIKE))
def test_sentences_of_any_text_are_verbatim_ordered_and_clean(text: str) -> None:
    """Whatever is typed, the offsets point at stripped, ordered, separate pieces, and cleaned texts show everything."""
    assert_true_of_any_text(text, split_sentences(text))


@given(st.one_of(ANY_TEXT, ANSWER_LIKE))
def test_no_letter_or_digit_is_lost_between_sentences(text: str) -> None:
    """Every visible letter and digit but an empty list item's marker lies in a sentence: nothing is cut silently."""
    sentences = split_sentences(text)

    outside = " ".join(text[start:end] for start, end in gaps(text, sentences))
    without_markers = re.sub(r"(?<!\w)(?:\d{1,3}|[a-zA-Z])[.)]\s", "", outside)

    assert not [char for char in without_markers if char.isalnum() and not is_invisible(char)]


@given(ANSWER_LIKE, st.sampled_from(["en", "de", "es", "ja", "xx", ""]))
def test_the_language_changes_no_promise(text: str, language: str) -> None:
    """Offsets hold in every language, also in one that the splitting library does not know."""
    assert_true_of_any_text(text, split_sentences(text, language))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We checked the log. Then we restarted it!", ["We checked the log.", "Then we restarted it!"]),
        ("See Dr. Ho e.g. at 10 a.m. about it.", ["See Dr. Ho e.g. at 10 a.m. about it."]),
        ("DICOM v2.5.1 and PS3.4 are cited. Done.", ["DICOM v2.5.1 and PS3.4 are cited.", "Done."]),
        ("It took 3.5 hours. We lost nothing.", ["It took 3.5 hours.", "We lost nothing."]),
        ("- check the log\n- call the vendor\n- test", ["check the log", "call the vendor", "test"]),
        ("1. Check the log.\n2. Call the vendor.", ["Check the log.", "Call the vendor."]),
        ("(a) first\n(b) second", ["first", "second"]),
        ("\uf0b7 pasted bullet\n\uf0b7 another one", ["pasted bullet", "another one"]),
        ("Situation\nThe viewer was slow.", ["Situation", "The viewer was slow."]),
        ("He said \"stop.\" Then he left.", ['He said "stop."', "Then he left."]),
        ("One\u00a0line.\r\nNext  line\twith   gaps.", ["One line.", "Next line with gaps."]),
        ("We saw it.Then we left.", ["We saw it.", "Then we left."]),
        ("", []),
        ("  \n\t ", []),
        ("...\n---\n***", []),
    ],
)  # fmt: skip
def test_sentences_as_people_write_them(text: str, expected: list[str]) -> None:
    """Abbreviations, versions, lists, headings and quotations are split where a reader would split them."""
    assert texts(text) == expected


def test_hard_wrapped_lines_stay_one_sentence() -> None:
    """A line break within a sentence, as mail programs put it, does not end the sentence."""
    text = (
        "When the archive stopped answering on a Monday morning I first looked\n"
        "at the storage alerts and then at the log of the receiving service, because\n"
        "those two tell apart a full disk from a crashed process.\nThen I called the vendor."
    )

    sentences = split_sentences(text)

    assert len(sentences) == 2
    assert "\n" in text[sentences[0].start : sentences[0].end]
    assert "\n" not in sentences[0].text


#: Words and notes of which no part can be taken for a list item, an abbreviation or the end of a sentence.
PLAIN_WORDS = st.sampled_from(
    ["archive", "alerts", "checked", "restored", "the", "of", "and", "PACS", "doctors", "studies", "night", "because"]
)
NOTES = st.lists(
    st.tuples(st.sampled_from(["Checked", "Called", "PACS", "We", "Restored"]), st.lists(PLAIN_WORDS, max_size=16)).map(
        lambda parts: " ".join([parts[0], *parts[1], "done"])
    ),
    min_size=1,
    max_size=8,
)


@given(NOTES)
def test_notes_on_lines_of_their_own_are_sentences_of_their_own(notes: list[str]) -> None:
    """However long the lines are, whoever begins each with a capital and uses no dots means one statement a line."""
    assert texts("\n".join(notes)) == notes


@given(NOTES, st.integers(60, 100))
def test_where_a_program_wraps_prose_changes_no_sentence(notes: list[str], width: int) -> None:
    """Prose wrapped at any usual width has the sentences that it has on one line; half of the words may be names."""
    prose = " ".join(f"Then it was so that {note}." for note in notes)
    lines = textwrap.wrap(prose, width, break_on_hyphens=False)
    # Without a small letter at any line's start, and no other sign, prose cannot be told from notes.
    assume(len(lines) == 1 or any(not a.endswith(".") and b[0].islower() for a, b in pairwise(lines)))

    assert texts("\n".join(lines)) == texts(prose)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Checked the storage alerts of the whole last night\nCalled the vendor about the disk",
            ["Checked the storage alerts of the whole last night", "Called the vendor about the disk"],
        ),
        (
            "I looked at the alerts of the storage and then at the\nPACS log",
            ["I looked at the alerts of the storage and then at the PACS log"],
        ),
        (
            "checked the storage alerts of the whole last night and day\ncalled the vendor\nwrote it down",
            ["checked the storage alerts of the whole last night and day", "called the vendor", "wrote it down"],
        ),
        (
            "i looked at the alerts of the last hour and the night\n"
            "and then at the log of the receiver, which had all\nthe rest",
            [
                "i looked at the alerts of the last hour and the night and then at the log of the receiver, "
                "which had all the rest"
            ],
        ),
        (
            "Situation\nThe viewer was slow on a Monday\nand nobody knew why.",
            ["Situation", "The viewer was slow on a Monday", "and nobody knew why."],
        ),
    ],
)  # fmt: skip
def test_a_line_goes_on_only_where_something_shows_it(text: str, expected: list[str]) -> None:
    """A small letter or an unfinished line joins two lines; a capital after a long line alone does not."""
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I tell ‘em first. Then I check the archive. We don’t guess. Done.", 4),
        ("In the ‘90s we had film. The doctors’ list was long. We cut it.", 3),
        ("Rock ‘n’ roll. I said ‘Stop now. I mean it.’ Then I left.", 3),
        ("He said ‘It doesn’t work. Call the vendor.’ Then we did.", 2),
        ("We call it a ‘hot’ spare. It waits. It isn’t used.", 3),
    ],
)
def test_a_turned_apostrophe_opens_no_quotation(text: str, count: int) -> None:
    """What word processors make of 'em and '90s swallows no sentences; real quotations stay in one piece."""
    assert len(texts(text)) == count


def test_a_list_without_final_dots_gives_one_sentence_for_each_item() -> None:
    """Each item can be quoted on its own, although no dot ends it."""
    text = "My steps:\n* I would look at the alerts of the last hour\n* I would ask who is affected\n\nThen I report."

    assert texts(text) == [
        "My steps:",
        "I would look at the alerts of the last hour",
        "I would ask who is affected",
        "Then I report.",
    ]


def test_a_lone_surrogate_is_no_obstacle() -> None:
    """Half of a surrogate pair, which some exports contain, neither fails nor moves offsets."""
    text = "We restored \ud800 it. It worked."

    sentences = split_sentences(text)

    assert [text[s.start : s.end] for s in sentences] == ["We restored \ud800 it.", "It worked."]
    assert sentences[0].text == "We restored it."


@pytest.mark.parametrize(
    "char",
    ["\u200b", "\u202e", "\U000e0041", "\ue000", "\x00", "\u2060", "\u3164", "\u2800", "\U000e0101", "\ufe01"],
)
def test_what_shows_nothing_is_cleaned_away(char: str) -> None:
    """Zero-width, tag, private-use, filler and selector characters cannot carry text to the model."""
    assert is_invisible(char)
    assert clean(f"a{char}b") == "ab"


@pytest.mark.parametrize("char", ["a", "ß", "我", "🙂", "\u0301", "“", "€", "1", "\u00bd"])
def test_what_can_be_seen_stays(char: str) -> None:
    """Letters of any script, combining accents, emoji and signs are kept."""
    assert clean(f"a{char}b") == f"a{char}b"


def test_white_space_that_is_a_control_character_separates_words() -> None:
    """A vertical tab or a line separator becomes a space and does not glue two words together."""
    blanks = ["\t", "\x0b", "\x0c", "\x85", "\u2028", "\u00a0"]

    assert all(unicodedata.category(char) in ("Cc", "Zl", "Zs") for char in blanks)
    assert {clean(f"one{char}two") for char in blanks} == {"one two"}


@pytest.mark.parametrize("pattern", ["e.g. The ", ".", "a. ", "A.", "word word word\n", '."', "(", "1.\n", "Hi! ", " "])
def test_time_grows_with_the_length_of_the_text(pattern: str) -> None:
    """Repetitions that would make backtracking or repeated joining quadratic end at once (hours otherwise)."""
    text = (pattern * 100_000)[:100_000] + "end."

    assert_offsets(text)


def assert_offsets(text: str) -> None:
    """Check the offsets only: a comparison of everything would take long itself."""
    sentences = split_sentences(text)
    assert sentences[-1].end == len(text)
