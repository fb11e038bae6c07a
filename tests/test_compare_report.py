"""Tests of the report on a comparison and on a series."""

from __future__ import annotations

import re

import pytest
from comparison_cases import NEW, OLD, REWORDED, compared, series
from comparison_reports import (
    example_report,
    hostile_report,
    improved,
    improved_report,
    other_numbers,
    report_on,
    series_report,
    three_versions,
    unchanged_report,
    unscored_report,
    worse_report,
)
from html_page import Page, assert_self_contained, without_style
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import HOSTILE, found, said, section
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from terminal_output import encoded, printed, words_of

from coach.compare.report import diff_pieces
from coach.compare.text_diff import diff_texts
from coach.report.display_text import one_line, reflow, visible_part
from coach.report.document import (
    Card,
    DiffPiece,
    Document,
    Heading,
    Item,
    Paragraph,
    Quote,
    Receipt,
    Span,
    Standing,
    Table,
    TextDiff,
)
from coach.report.html import html_report
from coach.report.markdown import markdown_report
from coach.report.terminal import TerminalReport

LOST, GAINED, MISSING = "Lost: put this back first", "Gained", "Still missing"
GONE = "Gone: this no longer counts against you"
REPORTS = {
    "improved": improved_report,
    "worse": worse_report,
    "unchanged": unchanged_report,
    "unscored": unscored_report,
    "example": example_report,
    "series": series_report,
}


def shown(document: Document, width: int = 80, *, terminal: bool = False) -> str:
    """Return what a console of this width prints of a report."""
    return printed(TerminalReport(document), width, terminal=terminal)


def titles(document: Document) -> list[str]:
    """Return the headings of the sections."""
    return [said(heading.text) for heading in found(document, Heading) if heading.level == 2]


def headline(document: Document) -> tuple[str, str, str]:
    """Return the verdict, the difference and what they mean."""
    (card,) = found(document, Card)
    return said(card.title), said(card.aside), said(next(found(card, Paragraph)).text)


def items(document: Document, title: str) -> list[str]:
    """Return the texts of the list below a heading."""
    return [said(item.text) for item in found(section(document, title), Item)]


def table_of(*texts: str) -> tuple[list[list[str]], int | None, Document]:
    """Return the rows of a series, the place of the best one, and the report."""
    document = report_on(series(*texts), *texts[-2:])
    (table,) = found(document, Table)
    return [[said(cell) for cell in row if not hasattr(cell, "share")] for row in table.rows], table.best, document


@pytest.mark.parametrize("name", REPORTS)
def test_the_report_reads_well_in_a_terminal(name: str, snapshot: SnapshotAssertion) -> None:
    """Every kind of report is the one that was looked at and found good."""
    assert shown(REPORTS[name]()) == snapshot


def test_side_by_side_the_report_reads_well(snapshot: SnapshotAssertion) -> None:
    """In a wide window the two texts stand beside each other."""
    assert shown(improved_report(), 120) == snapshot


def test_a_series_in_words_reads_well(snapshot: SnapshotAssertion) -> None:
    """The series without numbers is the one that was looked at and found good."""
    assert shown(series_report(show_score=False)) == snapshot


def test_the_report_reads_well_in_markdown(snapshot: SnapshotAssertion) -> None:
    """The whole report is the one that was looked at and found good."""
    assert markdown_report(series_report()) == snapshot


def test_the_page_reads_well(snapshot: SnapshotAssertion) -> None:
    """The whole page, but for its style sheet, is the one that was looked at and found good; it runs nothing."""
    html = html_report(series_report())

    assert without_style(html) == snapshot
    assert_self_contained(html)


def test_what_was_lost_comes_first() -> None:
    """Even in an improved answer the regression is the first thing to read, and its number is the first."""
    document = improved_report()
    quotes = found(section(document, LOST), Quote)

    assert titles(document)[:3] == [LOST, GAINED, GONE]
    assert items(document, LOST)[0].startswith("[1] ")
    assert headline(document)[2].endswith("It also lost something; that stands first.")
    assert said(next(quotes).texts[0]).startswith("old: “")


def test_after_the_changes_come_the_texts_then_claims_and_what_is_missing() -> None:
    """The order of the report is lost, gained, the two texts, new claims, the next steps, what is missing."""
    assert titles(improved_report())[3:] == [
        "The text, old and new",
        "New claims: be ready to explain them",
        "The three steps that would help most",
        MISSING,
    ]


def test_a_worse_answer_says_what_to_put_back() -> None:
    """Losses and a new wrong statement stand before the gain, in a tone that says what to do."""
    document = worse_report()
    (card,) = found(document, Card)

    assert titles(document)[:3] == [LOST, "New, and it counts against you", GAINED]
    assert card.title == Span("Worse", "strong", Standing.AGAINST)
    assert "putting it back is the quickest way up" in headline(document)[2]


def test_no_clear_change_is_honest_and_kind() -> None:
    """It is neither sold as progress nor held against the candidate, and the next step is named."""
    verdict, difference, text = headline(unchanged_report())

    assert compared(OLD, REWORDED).verdict == "no_clear_change"
    assert (verdict, difference) == ("No clear change", "no points more or fewer")
    assert "says nothing against your work" in text
    assert "steps below" in text
    assert any(item.id.startswith("step-") for item in found(unchanged_report(), Item))


def test_the_explanation_follows_what_happened() -> None:
    """The same text, gains that were paid for, and a new mistake each have their own words."""
    paid_for = improved().model_copy(update={"verdict": "no_clear_change"})
    mistake = compared(NEW, NEW + " All devices work together without any test.")

    assert "The two texts are the same." in headline(report_on(compared(OLD, OLD)))[2]
    assert "Put back what was lost" in headline(report_on(paid_for))[2]
    assert mistake.verdict == "worse"
    assert "taking it out is the quickest way up" in headline(report_on(mistake))[2]


def test_without_a_verdict_the_reason_stands_there() -> None:
    """An empty version is not compared, never a zero, and the report says why and what is still missing."""
    document = unscored_report()
    verdict, difference, text = headline(document)

    assert (verdict, difference) == ("Not compared", "")
    assert "first.md: The answer is empty." in text
    assert "Not scored: The answer is empty." in words_of(shown(document))
    assert MISSING in titles(document)
    assert "0 of 100" not in Page(html_report(document)).text.replace("100 of 100", "")


def test_an_example_is_labelled_as_one_example() -> None:
    """The words never call it the right answer, and nothing is called lost or put back."""
    document = example_report()

    for text in (words_of(shown(document)), markdown_report(document), Page(html_report(document)).text):
        assert "one example of a strong answer, not the right answer" in text
        assert "Put back" not in text
    assert headline(document)[0] == "The example shows more"
    assert not [title for title in titles(document) if "Lost" in title or "Gained" in title]
    assert "one example" not in shown(improved_report())


def test_advice_that_was_followed_is_acknowledged_at_its_gain() -> None:
    """The candidate reads that following the advice worked, where it worked."""
    notes = [said(text.text) for text in found(section(improved_report(), GAINED), Paragraph) if text.look == "italic"]
    notes += [said(text.text) for text in found(section(improved_report(), GONE), Paragraph) if text.look == "italic"]

    assert notes.count("You followed the advice on this.") == 2


def test_steps_say_put_back_and_missing_points_name_their_step() -> None:
    """The advice on a check that was lost is to put it back; a missing point whose advice stands above refers to it."""
    document = improved_report()
    verbs = [said(item.text).split(" · ")[0] for item in found(document, Item) if item.id.startswith("step-")]
    missing = items(document, MISSING)

    assert verbs == ["Add", "Add", "Put back"]
    assert [text.rpartition("(")[2] for text in missing[:2]] == ["see step 1)", "see step 2)"]
    assert "see step" not in missing[2]


def test_unjudged_checks_are_named() -> None:
    """What could not be compared is listed with its reason."""
    (text,) = items(unchanged_report(), "Left out of the comparison")

    assert text.startswith("Describes something specific")
    assert "could not be read" in text


def test_facts_of_one_sentence_are_told_together() -> None:
    """A sentence with two new facts is quoted once."""
    assert items(improved_report(), "New claims: be ready to explain them") == [
        "14 scanners, Siemens: “Last year I connected 14 scanners from Siemens.”"
    ]


def test_a_version_scored_by_an_older_rule_is_marked() -> None:
    """The version that has such a score says so where its score stands, alone and in a series."""
    table = three_versions()
    table.rows[0].version.receipt.scoring_rule = table.latest.old.receipt.scoring_rule = 1
    text = shown(report_on(table, REWORDED, NEW))

    assert text.count("(by an older scoring rule)") == 1
    assert "older scoring rule 1" in text
    assert "older scoring rule" not in shown(series_report())


def test_without_numbers_nothing_depends_on_them() -> None:
    """Two comparisons that differ in all numbers but in no words give the same report in words."""
    document = improved_report(show_score=False)

    assert document == report_on(other_numbers(improved()), show_score=False)
    for text in (shown(document), markdown_report(document), Page(html_report(document)).text):
        assert not re.search(r"\d ?%|of 100|\d points?\b", text)
    (table,) = found(series_report(show_score=False), Table)
    assert [column.title for column in table.columns] == [
        "Version",
        "Level",
        "Against the one before",
        "Against the first",
    ]
    assert not re.search(r"\d", " ".join(said(cell) for row in table.rows for cell in row[1:]))  # type: ignore[arg-type]


def test_a_quote_that_both_versions_have_is_given_once() -> None:
    """A sentence that stands in both texts is not quoted twice."""
    (quote,) = found(section(unchanged_report(), "Still counts against you"), Quote)

    assert [said(text).split(":")[0] for text in quote.texts] == ["both"]


def test_the_receipts_of_both_versions_are_shown() -> None:
    """Who judged the old version and who the new one, each at what cost."""
    (receipt,) = found(improved_report(), Receipt)
    lines = [" ".join(parts) for parts in receipt.lines]

    assert lines[1].startswith("Old: Judged by scripted-model")
    assert any(line.startswith("New: Judged by scripted-model") for line in lines)


@pytest.mark.parametrize(
    ("points", "difference", "sign", "change"),
    [
        (11.2, "11 points more", "+11", "+11 points"),
        (-1.0, "1 point fewer", "-1", "-1 point"),
        (0.4, "no points more or fewer", "0", ""),
        (-0.4, "no points more or fewer", "0", ""),
    ],
)
def test_points_are_told_as_people_say_them(points: float, difference: str, sign: str, change: str) -> None:
    """Whole points, with sign or in words; less than half a point is none."""
    comparison = improved()
    comparison.difference, comparison.interval = points, (points, 50.0)
    comparison.gained[0].points = points
    document = report_on(comparison)

    assert headline(document)[1] == f"{difference}, likely between {sign} and +50"
    assert re.findall(r"\(missing → there(?:, )?(.*?)\)", items(document, "Gained")[0]) == [change]


def test_the_table_has_a_row_for_every_version() -> None:
    """Each row says where a version stands and how it compares, and the best one is marked."""
    rows, best, document = table_of(OLD, REWORDED, NEW)

    assert [row[0] for row in rows] == ["v1", "v2", "v3 (best)"]
    assert rows[0][-2:] == ["", ""]
    assert all(re.fullmatch(r"Improved \(\+\d+\)", cell) for cell in rows[2][-2:])
    assert best == 2
    assert "Best: v3. It is clearly better than every other version." in words_of(shown(document))
    assert html_report(document).count('<tr class="best">') == 1


def test_a_best_version_by_noise_says_so() -> None:
    """The highest score is not sold as the clear winner when it is not."""
    _, _, document = table_of(NEW, OLD, NEW + " We like it.")

    assert "Best: v3 has the highest score, but it is not clearly better than v1." in words_of(shown(document))


def test_a_version_without_a_score_has_a_reason() -> None:
    """It is not scored, not compared, and the reason stands below the table."""
    rows, _, document = table_of(OLD, "", NEW)
    _, best, nothing = table_of("", "", "")

    assert rows[1][1:] == ["Not scored", "", "", "Not compared", "Not compared"]
    assert "v2: The answer is empty." in words_of(shown(document))
    assert best is None
    assert "None of the versions has a score, so none is the best one." in words_of(shown(nothing))


def test_what_the_steps_before_the_last_changed_is_told() -> None:
    """Gains and losses of the earlier versions are listed; those of the last one are told in full below."""
    _, _, document = table_of(OLD, NEW, NEW)
    changes = list(found(section(document, "The whole series"), Item))

    assert "v2, since the one before:" in shown(document)
    assert [item.standing for item in changes].count(Standing.AGAINST) == 1
    assert any(said(item.text).startswith("Red flag: ") for item in changes)
    assert three_versions().latest.verdict


@pytest.mark.parametrize(("width", "side_by_side"), [(60, False), (109, False), (110, True), (200, True)])
def test_the_texts_stand_side_by_side_where_there_is_room(width: int, side_by_side: bool) -> None:
    """From 110 columns on the old text stands left and the new one right, line by line; every line fits."""
    text = shown(improved_report(), width)

    assert bool(re.search(r"Old: first\.md +│ New: second\.md", text)) is side_by_side
    assert max(cell_len(row) for row in text.splitlines()) <= width
    assert [row for row in text.splitlines() if row != row.rstrip()] == []


def test_both_texts_stand_there_word_for_word() -> None:
    """Without the marks, the texts are the candidate's own words; what was cut and added is marked as such."""
    text = words_of(shown(improved_report(), 70))
    html = html_report(improved_report())
    stacked = text[text.index("The text, old and new") :]
    kept = re.sub(r"\[-.*?-\](\[\d\])?|<1 | 1>|\{\+|\+\}(\[\d\])?", "", stacked)
    plain = re.sub(r"&NoBreak;<sup>.*?</sup>", "", html)
    # Where the columns stand below each other, each part says from which text it is.
    old, new = (
        re.findall(rf'<div class="text" dir="auto" data-title="{title}">(.*?)</div>', plain, re.S)
        for title in ("Old: first.md", "New: second.md")
    )

    assert "{+There is a worklist too.+}[4]" in text
    assert "[-A CT sends its images" in text
    assert " ".join(NEW.split()).split(". ", 1)[1][:100] in " ".join(kept.split())
    assert Page("".join(old)).text == " ".join(OLD.split())
    assert Page("".join(new)).text == " ".join(NEW.split())
    assert re.search(r"<del>A CT sends its images[^<]*</del>&NoBreak;<sup><a class=\"marker\" id=\"quote-", html)
    assert "<ins>There is a worklist too.</ins>" in html
    assert html.count('class="moved" title="moved sentence 1"') == 2


def test_every_link_leads_somewhere() -> None:
    """The number of a change leads to its sentence and back; no place has two names."""
    page = Page(html_report(improved_report()))
    places = [value for _, name, value in page.attributes if name == "id"]
    targets = {value.removeprefix("#") for _, name, value in page.attributes if name == "href"}

    assert len(places) == len(set(places))
    assert len([target for target in targets if target.startswith("quote-")]) >= 4
    assert targets <= set(places)


def test_hostile_text_stays_text() -> None:
    """Hostile text in every place steers no terminal and adds no structure and no tag."""
    document = hostile_report()
    text = re.sub(r"\x1b\[[\d;]*m", "", shown(document, 140, terminal=True))
    page, source = Page(html_report(document)), markdown_report(document)

    assert not [char for char in text if not char.isprintable() and char != "\n"]
    assert page.tags.keys() <= Page(html_report(series_report())).tags.keys()
    assert page.text.count(one_line(HOSTILE)) > 8
    assert len(re.findall(r"^[> ]*#+ ", source, re.M)) == len(list(found(document, Heading)))
    assert not [line for line in source.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_terminals_with_few_characters_are_served(encoding: str) -> None:
    """Where an encoding lacks a sign, a plain one stands in, and no text is lost."""
    text = encoded(TerminalReport(series_report()), 130, encoding)

    assert "there -> missing" in words_of(text)
    assert "v3 (best)" in text
    assert "?" not in text.replace("a PACS depend on it?", "")


def test_a_change_of_punctuation_inside_a_word_is_bracketed() -> None:
    """Emphasis cannot begin behind a letter with a full stop; such a change is still marked."""
    old = "We had a long outage last May. It was full and nobody knew why it was so."
    new = old.replace("May.", "May!")
    text = markdown_report(report_on(compared(old, new), old, new))

    assert "May\\[-\\.-\\]" in text
    assert "**!**" in text


@settings(deadline=None, max_examples=15)
@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60))
def test_any_two_answers_can_be_compared_and_shown(old: str, new: str) -> None:
    """Whatever the answers hold, every report can be written, and has all its parts."""
    document = report_on(compared(old, new), old, new)

    assert Page(html_report(document)).tags["main"] == 1
    assert markdown_report(document).startswith("# What is the DICOM standard")
    assert shown(document)


SENTENCE = st.sampled_from(
    ["We had an outage. ", "It was full! ", "I called the vendor,\r\nat once. ", "\n\n- one item\n", "so "]
)
TEXTS = st.one_of(st.lists(SENTENCE, max_size=7).map("".join), st.text(max_size=40))


def text_diff(old: str, new: str) -> TextDiff:
    """Return the diff of two texts without changes in checks."""
    return TextDiff(("", ""), diff_pieces(diff_texts(old, new).segments, old, new, {}))


@given(TEXTS, TEXTS)
def test_pieces_and_rows_are_both_texts_made_fit_for_display(old: str, new: str) -> None:
    """Joined, the old parts are the whole old text and the new parts the new one; so are the columns read down."""
    diff = text_diff(old, new)
    shown_old, shown_new = visible_part(reflow(old)), visible_part(reflow(new))

    assert "".join(piece.old for piece in diff.pieces) == shown_old
    assert "".join(piece.new for piece in diff.pieces) == shown_new
    assert "".join(piece.old for left, _ in diff.rows() for piece in left) == shown_old
    assert "".join(piece.new for _, right in diff.rows() for piece in right) == shown_new


def test_rows_are_cut_where_both_texts_end_a_sentence() -> None:
    """What follows a sentence that both have starts on the same line in both columns."""
    diff = text_diff(
        "We had an outage. The disk was full. I called the vendor.",
        "We had an outage. The disk was nearly full. I called the vendor and my boss.",
    )

    assert [("".join(p.old for p in left), "".join(p.new for p in right)) for left, right in diff.rows()] == [
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
    pieces = diff_pieces(diff.segments, old, new, {"transfer-services": 4})

    assert [(p.kind, p.text.strip()) for p in pieces if p.markers] == [("removed", "night."), ("inserted", "day.")]
    assert {marker.text for piece in pieces for marker in piece.markers} == {"[4]"}


def test_the_ends_of_two_texts_are_kept_apart() -> None:
    """Where the last word of the old text meets a new one, a blank belongs between them in one running text."""

    def in_one(*pieces: DiffPiece) -> str:
        return "".join(piece.text for piece in TextDiff(("", ""), pieces).in_one())

    inserted = DiffPiece("inserted", "", "A new end.")
    assert in_one(DiffPiece("removed", "the end.", ""), inserted) == "the end. A new end."
    assert in_one(DiffPiece("removed", "the end. ", ""), inserted) == "the end. A new end."
    assert in_one(DiffPiece("same", "a", "a"), inserted) == "aA new end."
