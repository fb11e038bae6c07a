"""Tests of the three writers: every report reads well in each, and any text can be shown by each."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from assessment_factory import ANSWER, SENTENCES
from html_page import Page, assert_self_contained, without_style
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from report_cases import (
    HOSTILE,
    MISSING,
    MISTAKE,
    WHY_UNSCORED,
    found,
    full_report,
    hostile_report,
    report_on,
    rich_report,
    said,
    same_words_other_numbers,
    unscored_report,
)
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from terminal_output import encoded, printed, words_of

from coach.report import document as doc
from coach.report.display_text import clean, one_line
from coach.report.document import Document, Standing
from coach.report.html import html_body, html_report, style_sheet
from coach.report.markdown import escape, markdown_report
from coach.report.terminal import TerminalReport

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
#: What the Markdown writer itself uses; anything else came from foreign text.
OWN = {
    *("heading", "paragraph", "bullet_list", "ordered_list", "list_item", "blockquote", "hr", "inline"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
OWN_INLINE = {"text", "softbreak", "hardbreak", "strong", "em", "s", "code_inline"}


def shown(document: Document, width: int = 80, *, terminal: bool = False) -> str:
    """Return what a console of this width prints of a report."""
    return printed(TerminalReport(document), width, terminal=terminal)


def kinds(tokens: list[Token]) -> set[str]:
    """Return the kinds of tokens, without their open and close ends."""
    return {re.sub("_(open|close)$", "", token.type) for token in tokens}


def read(source: str) -> str:
    """Return what a reader sees of Markdown: its text, line ends as line feeds."""
    seen = []
    for block in PARSER.parse(source):
        for token in block.children or []:
            seen.append("\n" if token.type in ("softbreak", "hardbreak") else token.content)
    return "".join(seen)


@pytest.mark.parametrize("width", [60, 80])
def test_the_report_reads_well_in_a_terminal(width: int, snapshot: SnapshotAssertion) -> None:
    """The whole report, without colour, is the one that was looked at and found good."""
    assert shown(rich_report(), width) == snapshot


def test_without_numbers_the_report_reads_well(snapshot: SnapshotAssertion) -> None:
    """The report in words only is the one that was looked at and found good."""
    assert shown(full_report(show_score=False)) == snapshot


def test_the_report_reads_well_in_markdown(snapshot: SnapshotAssertion) -> None:
    """The whole report is the one that was looked at and found good."""
    assert markdown_report(rich_report()) == snapshot


def test_the_page_reads_well(snapshot: SnapshotAssertion) -> None:
    """The whole page, but for its style sheet, is the one that was looked at and found good."""
    assert without_style(html_report(rich_report())) == snapshot


def test_an_unscored_answer_reads_well(snapshot: SnapshotAssertion) -> None:
    """An answer that was not judged gets a reason and a next step, never a zero."""
    report = unscored_report()
    page = Page(html_report(report))
    texts = [words_of(shown(report)), read(markdown_report(report)), page.text]

    assert shown(report) == snapshot
    assert markdown_report(report) == snapshot
    assert "svg" not in page.tags
    for text in texts:
        assert WHY_UNSCORED in text
        assert "coach submit dicom-standard" in text
        assert "of 100" not in text


def test_what_is_wrong_stands_before_what_is_missing() -> None:
    """The red flag is read first, whatever the report is read in."""
    report = full_report()

    for text in (words_of(shown(report)), markdown_report(report), Page(html_report(report)).text):
        assert 0 < text.index(MISTAKE) < text.index(MISSING)


def test_quotes_are_verbatim_and_marked_in_the_answer() -> None:
    """The sentence that earned a point is quoted word for word, and marked in the answer."""
    report = full_report()
    text, source, page = words_of(shown(report)), markdown_report(report), html_report(report)

    assert f"[3] “{SENTENCES[2]}”" in text
    assert f"{SENTENCES[2]}[3]" in text
    assert f"{SENTENCES[4]}[!1]" in text
    assert f"> \\[3\\] “{SENTENCES[2]}”" in source
    assert f"**{SENTENCES[2]}**\\[3\\]" in source
    assert f"“{SENTENCES[2]}”" in Page(page).text
    assert f'<mark class="earned" data-points="transfer-services">{SENTENCES[2]}</mark>' in page
    assert f'<mark class="against" data-points="guaranteed-plug-and-play">{SENTENCES[4]}</mark>' in page


def test_without_numbers_nothing_depends_on_them() -> None:
    """Two assessments that differ in all numbers but in no words give the same reports in words."""
    report, other = full_report(show_score=False), report_on(same_words_other_numbers(), show_score=False)
    page = Page(html_report(report))

    assert report == other
    assert "svg" not in page.tags
    for text in (shown(report), markdown_report(report), page.text):
        assert not re.search(r"level \d|%|of 100|\d points?\b|[━█]", text)


@pytest.mark.parametrize("width", [60, 61, 79, 100, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Every line fits, with hanging indents, none ends in blanks, and none is too wide to read."""
    rows = shown(rich_report(), width).splitlines()

    assert max(cell_len(row) for row in rows) <= min(width, 100)
    assert [row for row in rows if row != row.rstrip()] == []


def test_styles_are_used_only_where_a_terminal_shows_them() -> None:
    """A terminal gets colours, a pipe gets plain text, and the words are the same."""
    plain, styled = shown(full_report()), shown(full_report(), terminal=True)

    assert "\x1b" not in plain
    assert "\x1b[" in styled
    assert re.sub(r"\x1b\[[\d;]*m", "", styled) == plain


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_terminals_with_few_characters_are_served(encoding: str) -> None:
    """Where an encoding lacks a sign, a plain one stands in, and no text is lost."""
    report = report_on(same_words_other_numbers(), f"{ANSWER}\nCafé 日本 ✓")
    text = encoded(TerminalReport(report), 80, encoding)

    assert "+ Explains that DICOM covers both" in text
    assert "####" in text
    assert "Judged by" in text
    assert ("Café ??" if encoding == "cp1252" else "Caf? ??") in text


def test_the_page_loads_and_runs_nothing() -> None:
    """The page holds all that it needs, and its policy allows nothing else."""
    assert_self_contained(html_report(rich_report()))


def test_the_page_can_be_used_without_eyes() -> None:
    """Language, one main heading, ordered headings and words for every picture."""
    page = Page(html_report(rich_report()))

    assert ("html", "lang", "en") in page.attributes
    assert (page.tags["h1"], page.tags["main"]) == (1, 1)
    labels = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert labels[0] == "61 of 100, likely between 52 and 69"
    assert len(labels) == page.tags["svg"] == 4


def test_marks_and_points_lead_to_each_other() -> None:
    """A point leads to its sentence in the answer and back, and to its step; no place has two names."""
    page = Page(html_report(full_report()))
    places = [value for _, name, value in page.attributes if name == "id"]
    targets = {value.removeprefix("#") for _, name, value in page.attributes if name == "href"}

    assert len(places) == len(set(places))
    assert targets <= set(places)
    assert {"quote-own-example", "point-own-example", "quote-header-tags", "step-modality-worklist"} <= targets


def test_a_link_without_a_place_is_a_text() -> None:
    """Where the answer is not the one that was judged, nothing leads to sentences that are not there."""
    page = Page(html_report(report_on(same_words_other_numbers(), "Another answer altogether.")))

    assert not any("#quote-" in value for _, name, value in page.attributes if name == "href")


def test_the_marked_answer_is_the_answer() -> None:
    """Without its markers, the answer on the page is the answer, word for word."""
    answer = re.search(r'<div class="answer" dir="auto">(.*?)</div>', html_report(full_report()), re.DOTALL)

    assert answer
    assert Page(re.sub(r"<sup>.*?</sup>", "", answer[1])).text == " ".join(ANSWER.split())


def test_the_content_can_stand_in_another_page() -> None:
    """The content of the page has no frame, no style and nothing that runs, and is all that the page shows."""
    body, page = html_body(full_report()), html_report(full_report())

    assert body in page
    assert Page(body).tags.keys().isdisjoint({"html", "head", "body", "main", "style", "script", "meta"})
    assert style_sheet() in page
    assert len(style_sheet("batch.css")) > len(style_sheet())


def test_cells_that_must_not_wrap_are_told_to_the_page() -> None:
    """Figures and names stay in one piece, and on a narrow page no text beside them is squeezed."""
    columns = (doc.Column("No.", right=True, wraps=False), doc.Column("Name", wraps=False), doc.Column("Why"))
    page = html_report(Document("x", (doc.Table(columns, (("1", "a-b", "because"),)),)))

    assert '<td class="whole">a-b</td><td class="prose">because</td>' in page
    assert '<th scope="row" class="figure">1</th>' in page
    assert "td.prose { min-width:" in style_sheet()


def test_on_a_narrow_page_the_score_goes_below_the_level() -> None:
    """Beside each other there is no room for both on a telephone, and a word such as "Developing" was broken."""
    rules = dict(re.findall(r"^([^{}@\n]+) \{ ([^}]*) \}$", style_sheet(), re.MULTILINE))

    assert "flex-wrap: wrap" in rules[".standing > .level"]
    assert rules[".level, h3"] == "overflow-wrap: break-word;"


def test_every_writer_writes_every_block() -> None:
    """A block that one writer does not know would be missing from a report."""
    blocks: dict[type, doc.Block] = {
        doc.Heading: doc.Heading("Heading"),
        doc.Paragraph: doc.Paragraph("Paragraph"),
        doc.Items: doc.Items((doc.Item("Items"),)),
        doc.Quote: doc.Quote(("Quote",), Standing.EARNED),
        doc.MarkedText: doc.MarkedText((doc.Piece("MarkedText"),)),
        doc.TextDiff: doc.TextDiff(("old", "new"), (doc.DiffPiece("inserted", "", "TextDiff"),)),
        doc.Bar: doc.Bar(0.5, "a half", "Bar"),
        doc.Table: doc.Table((doc.Column("Table"),), ()),
        doc.Card: doc.Card("Card"),
        doc.Notice: doc.Notice("Notice", ()),
        doc.Chart: doc.Chart("<svg></svg>", "Chart"),
        doc.Receipt: doc.Receipt((("Receipt",),)),
    }
    document = Document("All blocks", tuple(blocks.values()))

    assert set(blocks) == set(get_args(doc.Block))
    for text in (shown(document), markdown_report(document), Page(html_report(document)).text):
        assert [kind.__name__ for kind in blocks if kind.__name__ not in text] == []


def test_hostile_text_stays_text() -> None:
    """Hostile text in every place of an assessment steers no terminal and adds no structure and no tag."""
    report = hostile_report()
    page = Page(html_report(report))
    tokens = PARSER.parse(markdown_report(report))
    own_styles = re.sub(r"\x1b\[[\d;]*m", "", shown(report, 140, terminal=True))

    assert not [char for char in own_styles if not char.isprintable() and char != "\n"]
    assert "[red]style[/red]" in words_of(own_styles)
    assert "\u241b[31mred" in own_styles
    assert page.tags.keys() <= Page(html_report(rich_report())).tags.keys()
    assert page.text.count(one_line(HOSTILE)) > 10
    own = [token for token in PARSER.parse(markdown_report(full_report())) if token.type == "heading_open"]
    # The outline is one section more.
    assert len([token for token in tokens if token.type == "heading_open"]) == len(own) + 1


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.text(st.sampled_from(list("#-*_>`~[]()!<&|\\1.: \n\tab=+\x1b\x9b\u202e\"'{}%")), max_size=8),
)
STANDINGS = st.sampled_from(Standing)
SPANS = st.builds(
    doc.Span,
    TEXTS,
    st.sampled_from(["", "strong", "dim", "italic", "accent", "marker"]),
    st.none() | STANDINGS,
    TEXTS,
    TEXTS,
    TEXTS,
)
WORDS = st.one_of(TEXTS, SPANS, st.tuples(TEXTS, SPANS, SPANS))
PIECES = st.builds(doc.Piece, TEXTS, st.none() | STANDINGS, st.tuples(SPANS), st.tuples(TEXTS))
MOVED = st.none() | st.just(1)
DIFFS = TEXTS.map(lambda text: f"{text}.").flatmap(
    lambda text: st.one_of(
        st.just(doc.DiffPiece("same", text, text)),
        st.builds(doc.DiffPiece, st.just("removed"), st.just(text), st.just(""), MOVED, st.tuples(SPANS)),
        st.builds(doc.DiffPiece, st.just("inserted"), st.just(""), st.just(text), MOVED, st.tuples(SPANS)),
    )
)
BARS = st.builds(doc.Bar, st.floats(0, 1), TEXTS, WORDS, st.none() | st.just((0.2, 0.9)))
LEAVES = st.one_of(
    st.builds(doc.Paragraph, WORDS, st.sampled_from(["", "dim", "italic", "question"])),
    st.builds(doc.Quote, st.tuples(WORDS, WORDS), STANDINGS, st.none() | SPANS),
    BARS,
)
ITEMS = st.builds(
    doc.Items,
    st.lists(
        st.builds(doc.Item, WORDS, st.none() | STANDINGS, st.lists(LEAVES, max_size=2).map(tuple), WORDS, TEXTS),
        min_size=1,
        max_size=2,
    ).map(tuple),
    st.booleans(),
)
BLOCKS = st.one_of(
    LEAVES,
    ITEMS,
    st.builds(doc.Heading, WORDS, st.sampled_from([1, 2]), WORDS),
    st.builds(
        doc.MarkedText, st.lists(PIECES, max_size=4).map(tuple), st.tuples(st.tuples(SPANS, TEXTS)), st.booleans()
    ),
    st.builds(doc.TextDiff, st.tuples(TEXTS, TEXTS), st.lists(DIFFS, max_size=4).map(tuple)),
    st.builds(
        doc.Table,
        st.tuples(st.builds(doc.Column, TEXTS, st.booleans()), st.builds(doc.Column, TEXTS)),
        st.lists(st.tuples(WORDS, st.just(doc.Bar(0.5, "half")) | WORDS), max_size=2).map(tuple),
        st.none() | st.just(0),
    ),
    st.builds(doc.Card, WORDS, WORDS, st.lists(LEAVES | ITEMS, max_size=2).map(tuple), st.booleans()),
    st.builds(doc.Notice, TEXTS, st.tuples(WORDS)),
    st.builds(doc.Receipt, st.tuples(st.tuples(TEXTS, TEXTS))),
)
DOCUMENTS = st.builds(Document, TEXTS, st.lists(BLOCKS, min_size=1, max_size=4).map(tuple), st.booleans())


def squeezed(text: str) -> str:
    """Return text without what writers put at the edges of lines."""
    return re.sub(r"[\s│]|\u2060", "", text)


def all_texts(document: Document) -> list[str]:
    """Return every text that a document shows, without white space."""
    texts = [said(span) for span in found(document.blocks, doc.Span) if span.look != "code"]
    texts += [piece.text for piece in found(document.blocks, doc.Piece)]
    texts += [part for receipt in found(document.blocks, doc.Receipt) for parts in receipt.lines for part in parts]
    texts += [said(notice.title) for notice in found(document.blocks, doc.Notice)]
    return [squeezed(clean(text)) for text in texts]


@given(DOCUMENTS)
def test_any_text_can_be_shown_and_stays_text(document: Document) -> None:
    """Whatever texts a document holds, a terminal is not steered, and Markdown and HTML keep their own structure."""
    for width in (60, 120):
        text = shown(document, width)
        text.encode("utf-8")
        assert not [char for char in text if (char < " " and char != "\n") or "\x7f" <= char <= "\x9f"]

    source = markdown_report(document)
    source.encode("utf-8")
    tokens = PARSER.parse(source)
    inline = [child for token in tokens for child in token.children or []]
    assert kinds(tokens) <= OWN
    assert kinds(inline) <= OWN_INLINE
    assert all(re.fullmatch("█*░*", child.content) for child in inline if child.type == "code_inline")
    cards = [card for card in found(document, doc.Card) if not card.headline]
    headings = [token for token in tokens if token.type == "heading_open"]
    assert len(headings) == len([*cards, *found(document, doc.Heading)])

    page = Page(html_report(document))
    assert page.tags.keys().isdisjoint({"script", "img", "link", "iframe", "b", "i"})
    assert not any(name.startswith("on") or name == "style" for _, name, _ in page.attributes)
    seen = {"a page": squeezed(page.text), "Markdown": squeezed(read(source))}
    for where, everything in seen.items():
        for text in all_texts(document):
            assert text in everything, where


@given(st.text(st.characters(), max_size=120))
def test_escaped_text_is_read_as_it_was_written(text: str) -> None:
    """What a reader of the Markdown sees is the text itself."""
    line = " ".join(clean(text).split())

    assert read(escape(line)) == line


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# no heading", r"\# no heading"),
        ("1. no list", r"1\. no list"),
        ("- no list", r"\- no list"),
        ("plain. Text, 1.5 (fine)", "plain. Text, 1.5 (fine)"),
        ("C-STORE", "C-STORE"),
        ("a\n    - b", "a\n\\- b"),
        ("<b> & [x](y)", r"\<b\> \& \[x\](y)"),
    ],
)
def test_only_what_could_be_structure_is_escaped(text: str, escaped: str) -> None:
    """The source stays readable."""
    assert escape(text) == escaped
