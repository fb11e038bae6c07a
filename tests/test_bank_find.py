"""A question is found by id, number, text or wording, whole or cut, and a near miss names the nearest ids."""

from __future__ import annotations

import pytest
from assessment_factory import shipped_bank
from batch_factory import text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.bank.find import QuestionMatch, QuestionMatcher, find_question, fold, is_answer_number
from coach.errors import UnknownQuestionError

MATCHER = QuestionMatcher(shipped_bank())
PLACES = list(range(len(shipped_bank().questions)))


@pytest.mark.parametrize(
    "header",
    ["3", "Q3", "q3.", "3.", " 3) ", "Q 3", "#3", "03", "3.0", "Question 3", "Question 3:", "QUESTION NO. 3", "(3)",
     "Response 3", "Answer 3", "No. 3", "Q-3", "Q_3"],
)  # fmt: skip
def test_a_number_is_known_however_it_is_written(header: str) -> None:
    """Every usual way of writing a question's number finds it."""
    assert MATCHER.match(header) == QuestionMatch("security-hipaa", "number")


@pytest.mark.parametrize("header", ["security-hipaa", "Security HIPAA", " SECURITY_HIPAA ", "security–hipaa:"])
def test_an_id_is_known_whatever_its_case_and_punctuation(header: str) -> None:
    """Case, spaces and punctuation of an id do not matter."""
    assert MATCHER.match(header) == QuestionMatch("security-hipaa", "id")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: f"  {text.upper()} ",
        lambda text: text.replace(" ", "  \n "),
        lambda text: text.rstrip("?."),
        lambda text: f"3. {text}",
        lambda text: f"Q3: {text}",
        lambda text: f"{text} *",
        lambda text: f"{text} (at most 300 words)",
    ],
)
def test_a_text_is_known_despite_its_dress(change: object) -> None:
    """Extra spaces, other case, other punctuation, a number before and a remark after do not hide the text."""
    assert callable(change)
    assert MATCHER.match(change(text_of(3))) == QuestionMatch("security-hipaa", "text")


@pytest.mark.parametrize("end", ["", "…", "...", " ..."])
def test_a_cut_text_is_known_when_only_one_question_begins_so(end: str) -> None:
    """The beginning of a question is enough if it is long and no other question begins so."""
    cut = text_of(3)[:30] + end

    assert MATCHER.match(cut) == QuestionMatch("security-hipaa", "start of the text")


@pytest.mark.parametrize(
    "header", ["How do you", "How do you keep a", "What", "", "  ", "…", "99", "Timestamp", "2 x 3"]
)
def test_what_is_ambiguous_or_unknown_is_not_guessed(header: str) -> None:
    """A beginning that several questions share, an unknown number or another column is no match."""
    assert MATCHER.match(header) is None


def test_a_number_before_another_text_is_not_trusted() -> None:
    """``3. Tell us about yourself`` is not question 3 of this bank, but near enough to be reported."""
    assert MATCHER.match("3. Tell us about yourself") is None
    assert MATCHER.is_near("3. Tell us about yourself")


@pytest.mark.parametrize("header", ["dicom-standrad", "securty-hipaa", "Q99", "How do you keep", "3. Something else"])
def test_a_near_miss_is_recognised(header: str) -> None:
    """A slip in an id, an unknown number and an ambiguous beginning are reported as near misses."""
    assert MATCHER.match(header) is None
    assert MATCHER.is_near(header)


@pytest.mark.parametrize("header", ["Timestamp", "Email Address", "Score", "", "Where did you hear about us?"])
def test_an_unrelated_column_is_no_near_miss(header: str) -> None:
    """Columns that have nothing to do with a question are not reported."""
    assert not MATCHER.is_near(header)


def test_the_nearest_ids_come_best_first() -> None:
    """A slip names its question first; an ambiguous beginning names the questions that begin so."""
    assert MATCHER.nearest("dicom-standrad")[0] == "dicom-standard"
    assert set(MATCHER.nearest("How do you keep")) >= {"security-hipaa", "staying-current"}


@pytest.mark.parametrize("wanted", ["dicom-standard", "1", " DICOM-Standard ", "1.", "Question 1", "Q1", "#1"])
def test_whoever_types_a_question_is_understood_as_a_header_is(wanted: str) -> None:
    """Case, blanks, the form of a number and a final dot do not matter to `coach submit` either."""
    assert find_question(shipped_bank(), wanted).id == "dicom-standard"


def test_every_question_is_found_by_its_own_text() -> None:
    """The text may be pasted with other line breaks, in any case, without its question mark."""
    for question in shipped_bank().questions:
        pasted = question.text.replace(" ", "\n  ").upper().rstrip("?")

        assert find_question(shipped_bank(), pasted) is question


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("dicom", "dicom-standard"),
        ("hippa", "security-hipaa"),
        ("upgrade", "upgrade-migration"),
        ("outtage", "system-outage"),
    ],
)
def test_a_near_miss_names_what_may_be_meant(wanted: str, meant: str) -> None:
    """The error repeats what was typed, suggests the likely id first, and says how to list all."""
    with pytest.raises(UnknownQuestionError) as caught:
        find_question(shipped_bank(), wanted)

    assert repr(wanted) in caught.value.message
    assert caught.value.hint.startswith(f"Did you mean {meant}")
    assert "coach questions" in caught.value.hint


def test_every_wording_of_a_question_finds_it() -> None:
    """What interviewers say instead is known, whole or cut; a question's own text wins over another's wording."""
    bank = shipped_bank()
    first, second = bank.questions[:2]
    asked = first.model_copy(update={"asked_as": ["Tell me what the standard is good for, please.", second.text]})
    matcher = QuestionMatcher(bank.model_copy(update={"questions": [asked, *bank.questions[1:]]}))

    assert matcher.match("1) tell me WHAT the standard is good for - please") == QuestionMatch(first.id, "text")
    assert matcher.match("Tell me what the standard") == QuestionMatch(first.id, "start of the text")
    assert matcher.match(second.text) == QuestionMatch(second.id, "text")


#: The published list that the bank stands on, as people paste it.
SEED_WORDING = (
    "1. Can you explain the DICOM standard and its importance in PACS?",
    "2. What are HL7 protocols, and how do they interact with PACS?",
    "3. How do you ensure PACS system security and HIPAA compliance?",
    "4. What steps would you take if there was a system outage or PACS failure?",
    "5. Describe your experience with database management in relation to PACS systems.",
    "6. How would you address slow PACS system performance during peak hours?",
    "7. Have you ever had to recover data from a corrupted PACS archive? How did you handle it?",
    "8. How would you handle a radiologist reporting incomplete or incorrect image data in PACS?",
    "9. How do you manage PACS integration with other hospital systems (e.g., RIS, EMR)?",
    "10. What’s your process for training staff on using PACS systems effectively?",
    "11. How do you monitor system performance and ensure high availability of PACS?",
    "12. Describe a time when you successfully upgraded or migrated a PACS system.",
    "13. How do you handle communication between technical teams and medical staff?",
    "14. How do you stay updated with emerging trends and technologies in medical imaging IT?",
    "15. Imagine there’s a critical system failure during peak hours. "
    "What steps would you take to resolve the issue while minimizing disruption?",
)


@pytest.mark.parametrize("number", range(1, 16))
def test_the_published_wording_finds_its_question(number: int) -> None:
    """Somebody who practices from the list pastes a line of it, with its number or without."""
    question = shipped_bank().questions[number - 1]
    pasted = SEED_WORDING[number - 1]

    assert question.number == number
    assert find_question(shipped_bank(), pasted) is question
    assert find_question(shipped_bank(), pasted.partition(". ")[2]) is question
    assert MATCHER.match(pasted.partition(". ")[2].upper()) == QuestionMatch(question.id, "text")


def test_every_question_is_known_in_several_wordings() -> None:
    """The published wording and at least two others of interviewers, and none belongs to two questions."""
    questions = shipped_bank().questions
    wordings = [fold(wording) for question in questions for wording in question.asked_as]

    assert min(len(question.asked_as) for question in questions) >= 3
    assert len(set(wordings)) == len(wordings)
    for question in questions:
        assert all(find_question(shipped_bank(), wording) is question for wording in question.asked_as)


@settings(deadline=None)
@given(st.sampled_from(PLACES), st.integers(1, 400))
def test_a_beginning_never_matches_another_question(place: int, length: int) -> None:
    """However much of a question is left, it is that question or none."""
    question = shipped_bank().questions[place]

    match = MATCHER.match(question.text[:length])

    assert match is None or match.question_id == question.id


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_matched(text: str) -> None:
    """Matching never fails, and only gives ids of the bank."""
    match = MATCHER.match(text)
    MATCHER.is_near(text)
    nearest = MATCHER.nearest(text)

    assert len(set(nearest)) == 3
    assert set(nearest) <= {question.id for question in shipped_bank().questions}
    assert match is None or match.question_id in {question.id for question in shipped_bank().questions}


def test_folding_leaves_the_words() -> None:
    """Words stay in order, in lower case, with single spaces; full-width letters become plain."""
    assert fold("  What’s ＤＩＣＯＭ,\n (really)? ") == "what s dicom really"


def test_the_answer_column_of_a_quiz_export_is_told_apart() -> None:
    """``Response 3`` holds the answer, ``Question 3`` the question."""
    assert is_answer_number("Response 3")
    assert not is_answer_number("Question 3")
