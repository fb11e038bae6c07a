"""Tests of what the report on one answer says, and of the points and marks in it."""

from __future__ import annotations

from collections.abc import Iterator

from assessment_factory import (
    SENTENCES,
    UNJUDGED_REASON,
    VERDICTS,
    criteria,
    dicom_assessment,
    unscored_assessment,
)
from hypothesis import given
from hypothesis import strategies as st
from report_cases import found, full_report, report_on, said, section

from coach.answer.answer import AssessmentWarning
from coach.judge.judging import Verdict
from coach.report.assessment import Point, build_points, mark_answer
from coach.report.display_text import clean
from coach.report.document import (
    Bar,
    Card,
    Document,
    Heading,
    Item,
    MarkedText,
    Notice,
    Paragraph,
    Piece,
    Quote,
    Span,
    Standing,
)
from coach.submit.assessment import Evidence, Improvement

TEXT = "One is wrong. Two is right. Three is half."


def headline(document: Document) -> Card:
    """Return the card at the top of a report."""
    return next(card for card in found(document, Card) if card.headline)


def cards(document: Document) -> list[Card]:
    """Return the cards of the criteria."""
    return [card for card in found(document, Card) if not card.headline]


def point(document: Document, check_id: str) -> Item:
    """Return the item about a check below its criterion."""
    return next(item for item in found(cards(document), Item) if item.id == f"point-{check_id}")


def opening(document: Document) -> str:
    """Return the sentences under the headline."""
    return said(list(found(headline(document), Paragraph))[-1].text)


def steps(document: Document) -> list[Item]:
    """Return the steps that would help most."""
    return [item for item in found(document, Item) if item.id.startswith("step-")]


def quotes_of(item: Item) -> list[str]:
    """Return what an item quotes."""
    return [said(text).strip("“”") for quote in found(item, Quote) for text in quote.texts]


def notices(document: Document) -> list[list[str]]:
    """Return the lines of every notice."""
    return [[said(line) for line in notice.lines] for notice in found(document, Notice)]


def quoted(answer: str, start: int, end: int, number: int, standing: Standing = Standing.EARNED) -> Point:
    """Return the point with this number, which quotes answer[start:end]."""
    evidence = Evidence(sentence=1, start=start, end=end, quote=answer[start:end])
    return Point(f"check-{number}", "", standing, (evidence,), number)


def improvement(check_id: str, gain: float) -> Improvement:
    """Return an improvement with recognisable advice."""
    return Improvement(check_id=check_id, advice=f"Do {check_id}.", gain=gain)


def test_the_headline_gives_score_interval_and_level_in_words() -> None:
    """The score is a whole number with its interval, and has a word."""
    head = headline(full_report())
    (bar,) = found(head, Bar)

    assert (said(head.title), said(head.aside)) == ("Solid", "61 of 100")
    assert (bar.share, bar.interval) == (0.61, (0.52, 0.69))
    assert bar.caption == "likely between 52 and 69 · 5 of 10 points made, 2 partly, 1 not judged"


def test_a_red_flag_is_named_in_the_opening() -> None:
    """The first sentences say that something is wrong, and only then."""
    without = dict(VERDICTS) | {"guaranteed-plug-and-play": (Verdict.NOT_MET, 0.02, ())}

    assert "would count against you" in opening(full_report())
    assert "against" not in opening(report_on(dicom_assessment(criteria=criteria(without))))


def test_without_numbers_the_headline_keeps_the_words() -> None:
    """Level and doubt are said in words when scores are hidden, and doubt only where the interval leaves the level."""
    head = headline(full_report(show_score=False))
    sure = headline(report_on(dicom_assessment(interval=(61.0, 62.0)), show_score=False))

    assert (said(head.title), head.aside, list(found(head, Bar))) == ("Solid", "", [])
    assert [said(text.text) for text in found(head, Paragraph)][:1] == ["perhaps Developing"]
    assert len(list(found(sure, Paragraph))) == 1


def test_points_with_quotes_are_numbered_in_reading_order() -> None:
    """Red flags come first, then criterion by criterion; what has no quote has no number."""
    points = list(build_points(dicom_assessment()).values())

    assert points[0].standing is Standing.AGAINST
    assert [item.number for item in points if item.number] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(bool(item.quotes) == (item.number is not None) for item in points)


def test_markers_in_the_answer_lead_to_the_points() -> None:
    """Each marker stands behind the very sentence that its point quotes."""
    points = build_points(dicom_assessment())
    document = full_report()
    marked = [(piece, marker) for piece in found(document, Piece) for marker in piece.markers]

    assert {marker.id.removeprefix("quote-") for _, marker in marked} == {
        item.check_id for item in points.values() if item.quotes
    }
    for piece, marker in marked:
        check_id = marker.to.removeprefix("point-")
        assert piece.text in points[check_id].quotes
        assert check_id in piece.points
        assert marker.id == f"quote-{check_id}"


def test_quotes_are_verbatim() -> None:
    """A quote is the sentence as typed, only its line break folded."""
    quotes = {quote for item in found(full_report(), Item) for quote in quotes_of(item)}

    assert " ".join(SENTENCES[1].split()) in quotes
    assert quotes <= {" ".join(sentence.split()) for sentence in SENTENCES}


def test_a_criterion_lists_what_is_wrong_before_what_is_missing() -> None:
    """Within a criterion the order is earned, partly there, against, missing."""
    standings = [item.standing for item in found(cards(full_report())[1], Item) if item.standing]

    assert standings == sorted(standings, key=list(Standing).index)
    assert standings.index(Standing.AGAINST) < standings.index(Standing.MISSING)


def test_partly_met_points_and_possible_red_flags_are_shown_as_such() -> None:
    """Half a point is labelled as half, a doubtful red flag as doubtful."""
    doubtful = dict(VERDICTS) | {"guaranteed-plug-and-play": (Verdict.PARTLY, 0.5, (5,))}
    document = report_on(dicom_assessment(criteria=criteria(doubtful)))

    assert said(point(document, "device-configuration").text).startswith("Partly there: ")
    (flag,) = found(section(document, "Look at this first"), Item)
    assert said(flag.text).startswith("May count against you: ")
    assert "One statement may count against you" in opening(document)


def test_a_red_flag_that_is_not_raised_is_not_mentioned() -> None:
    """Nobody is told of mistakes they did not make."""
    assert "point-only-a-file-format" not in {item.id for item in found(full_report(), Item)}


def test_unjudged_checks_are_named_with_their_reason() -> None:
    """A check without a verdict is neither met nor missing, and says why."""
    experience = cards(full_report())[2]
    (unjudged,) = [item for item in found(experience, Item) if item.standing is Standing.UNJUDGED]

    assert said(unjudged.text) == (
        f"Not judged ({UNJUDGED_REASON}): States what came of it, such as a result, a number or a lesson."
    )
    assert len(list(found(experience, Item))) == 2


def test_the_three_largest_gains_come_first() -> None:
    """Steps are sorted by what they can bring, whatever the order in the assessment, and end after three."""
    gains = [("modality-worklist", 2.0), ("own-example", 9.4), ("header-tags", 0.4), ("conformance-statement", 5.0)]
    document = report_on(dicom_assessment(improvements=[improvement(*gain) for gain in gains]))

    assert [(step.aside, [said(text.text) for text in found(step, Paragraph)]) for step in steps(document)] == [
        ("up to 9 points", ["Do own-example."]),
        ("up to 5 points", ["Do conformance-statement."]),
        ("up to 2 points", ["Do modality-worklist."]),
    ]


def test_a_point_names_the_step_about_it() -> None:
    """A missing point leads to the step that brings it; a red flag's advice is not given twice."""
    document = full_report()
    (flag,) = found(section(document, "Put this right first"), Item)

    links = {span.to: span.text for span in found(document, Span) if span.to.startswith("step-")}
    assert links["step-modality-worklist"] == "→ step 2"
    assert "step-conformance-statement" not in links
    assert "Step 1 below" in said(list(found(flag, Paragraph))[-1].text)
    assert said(steps(document)[0].text) == "Put right · Use in practice"


def test_no_praise_without_a_verdict_that_carries_it() -> None:
    """Strengths are left out when no point was even partly made, and end after the first three."""
    nothing = dict.fromkeys(VERDICTS, (Verdict.NOT_MET, 0.1, ()))
    title = "What your answer already does"
    many = section(report_on(dicom_assessment(strengths=["a", "b", "c", "d"])), title)

    assert section(report_on(dicom_assessment(criteria=criteria(nothing))), title).blocks == ()
    assert len(list(found(section(full_report(), title), Item))) == 2
    assert [said(item.text) for item in found(many, Item)] == ["a", "b", "c"]


def test_an_unscored_answer_says_why_and_what_to_do() -> None:
    """No score is no zero: the reason stands in its place, with the next command."""
    document = report_on(unscored_assessment("The answer is too short to judge."), "DICOM is great.")

    assert said(headline(document).title) == "Not scored"
    assert opening(document) == "The answer is too short to judge."
    assert [span.text for span in found(document, Span) if span.look == "code"] == [
        "coach submit dicom-standard",
        "coach questions dicom-standard",
    ]
    assert cards(document) == []
    assert section(document, "An interviewer may ask next").blocks == ()


def test_a_failed_judge_is_not_the_candidates_fault() -> None:
    """When the model failed, the advice is to judge again, not to write another answer."""
    title = "What you can do now"
    failed = report_on(dicom_assessment(score=None, interval=None, unscored_reason="The model stopped answering."))

    assert "same answer again" in said(next(found(section(failed, title), Item)).text)
    assert section(full_report(), title).blocks == ()


def test_warnings_and_reasons_for_review_are_shown_as_sentences() -> None:
    """Both are told apart; a bare reason gets a capital letter and a full stop, whatever it ends in."""
    warning = AssessmentWarning(code="placeholder", message="the answer still contains a [placeholder]")
    document = report_on(dicom_assessment(warnings=[warning], review_reasons=["one is in doubt", "Why not?"]))

    assert notices(document) == [
        ["The answer still contains a [placeholder]."],
        ["One is in doubt.", "Why not?"],
    ]


def test_an_answer_that_nobody_judged_needs_no_second_look() -> None:
    """The reason in the headline is not said again as a reason for review."""
    assessment = unscored_assessment("It is empty.", needs_review=True, review_reasons=["the answer was not scored"])

    assert notices(report_on(assessment, "")) == []


def test_reasons_for_review_hide_their_numbers_on_request() -> None:
    """Without numbers a reason keeps its words, or becomes a general one."""
    reasons = ["The interval is wide (38 to 71).", "The credit is 0.5."]
    document = report_on(dicom_assessment(review_reasons=reasons), show_score=False)

    assert notices(document)[-1] == ["The interval is wide.", "The judging left some doubt."]


def test_another_text_than_the_judged_one_is_not_marked_and_this_is_said() -> None:
    """Quotes are shown, but not painted onto a text that does not hold them."""
    document = report_on(dicom_assessment(), "Something else entirely, typed later.")
    (text,) = found(document, MarkedText)

    assert not any(piece.standing for piece in text.pieces)
    assert "not the one that was judged" in notices(document)[0][0]
    assert "Your answer" in [said(heading.text) for heading in found(document, Heading)]


def test_a_rubric_that_has_changed_does_not_break_an_old_assessment() -> None:
    """What is said of a criterion comes from its points alone, also where the rubric no longer has it."""
    old = [item.model_copy(update={"id": f"old-{item.id}"}) for item in criteria()]
    texts = found(cards(report_on(dicom_assessment(criteria=old))), Paragraph)

    assert next(said(text.text) for text in texts if text.look == "italic") == "3 of 4 points made."


def test_the_models_comment_is_shown_where_something_is_to_do() -> None:
    """A reason is given for what is partly there or missing, not for what is earned."""
    commented = criteria()
    for item in commented:
        for check in item.checks:
            check.comment = f"about {check.id}"
    document = report_on(dicom_assessment(criteria=commented))

    def comments(check_id: str) -> list[str]:
        return [said(text.text) for text in found(point(document, check_id).blocks, Paragraph)]

    assert comments("device-configuration") == ["about device-configuration"]
    assert comments("file-and-network") == []


def test_a_quote_shown_before_is_referred_to() -> None:
    """The second point with the same sentence names the first one's marker."""
    item = point(full_report(), "header-tags")

    assert quotes_of(item) == []
    assert [said(text.text) for text in found(item, Paragraph)] == ["[4] the same sentence as [2]"]


@given(st.data())
def test_the_pieces_are_the_answer(data: st.DataObject) -> None:
    """Whatever is quoted, also overlapping, the joined pieces hold the answer's every word in order."""
    answer = data.draw(st.text(st.characters(), max_size=60))
    offsets = st.integers(0, len(answer))
    spans = data.draw(st.lists(st.tuples(offsets, offsets), max_size=5))
    quotes = [quoted(answer, min(span), max(span), number) for number, span in enumerate(spans, 1)]

    assert "".join(piece.text for piece in mark_answer(answer, quotes)).split() == clean(answer).split()


def texts_of(pieces: tuple[Piece, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield each piece with the markers at its end."""
    for piece in pieces:
        yield piece.text, [marker.text for marker in piece.markers]


def test_a_quote_is_marked_with_its_points() -> None:
    """A sentence quoted for two points is one piece that carries both markers behind it."""
    pieces = mark_answer(TEXT, [quoted(TEXT, 14, 27, 2), quoted(TEXT, 14, 27, 1, Standing.PARTLY)])

    assert list(texts_of(pieces)) == [
        ("One is wrong. ", []),
        ("Two is right.", ["[~1]", "[2]"]),
        (" Three is half.", []),
    ]
    assert pieces[1].points == ("check-2", "check-1")
    assert pieces[0].standing is None


def test_a_mistake_outweighs_praise_for_the_same_sentence() -> None:
    """A sentence that earned a point and also raises a red flag is marked as the red flag."""
    quotes = [quoted(TEXT, 0, 13, 1), quoted(TEXT, 0, 13, 2, Standing.AGAINST)]

    assert mark_answer(TEXT, quotes)[0].standing is Standing.AGAINST


def test_overlapping_quotes_are_marked_where_each_ends() -> None:
    """A marker stands at the end of its own quote."""
    pieces = mark_answer(TEXT, [quoted(TEXT, 0, 27, 1), quoted(TEXT, 14, 42, 2)])

    assert list(texts_of(pieces)) == [("One is wrong. ", []), ("Two is right.", ["[1]"]), (" Three is half.", ["[2]"])]


def test_white_space_around_a_quote_is_not_marked() -> None:
    """The marker follows the last word, not the blank behind it."""
    pieces = mark_answer(TEXT, [quoted(TEXT, 13, 28, 1)])

    assert [piece.text for piece in pieces if piece.markers] == ["Two is right."]


def test_a_quote_from_another_text_is_not_marked() -> None:
    """Nothing is marked that the evidence does not quote, and a blank answer shows nothing."""
    stray = Evidence(sentence=1, start=0, end=3, quote="Two")

    pieces = mark_answer(TEXT, [Point("x", "", Standing.EARNED, (stray,), 1)])

    assert [piece.standing for piece in pieces] == [None]
    assert mark_answer(" \n ", []) == ()
