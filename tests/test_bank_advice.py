"""Advice can be copied by an honest candidate: it hands out no number and no story, and says the right thing kindly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from assessment_factory import shipped_bank

from coach.bank.load import load_bank
from coach.bank.questions import Bank, Check
from coach.judge.evidence import negative_texts, positive_texts

LIBRARIAN = load_bank(Path(__file__).resolve().parent.parent / "examples" / "librarian" / "questions.yaml")
#: Shorter quotations are words that the advice speaks about, such as "we" or "not yet".
SENTENCE_WORDS = 5


def advised(bank: Bank) -> list[tuple[str, Check]]:
    """Return every check of a bank with the place where it stands."""
    places = [("bank", bank.red_flags), *((rubric.id, rubric.checks) for rubric in bank.rubrics.values())]
    places += [(question.id, question.checks) for question in bank.questions]
    return [(place, check) for place, checks in places for check in checks]


ADVICE = [*advised(shipped_bank()), *advised(LIBRARIAN)]


def to_copy(check: Check) -> list[str]:
    """Return the sentences that the advice offers to the candidate."""
    quotes: list[str] = re.findall(r'"([^"]+)"', check.advice)
    return [quote for quote in quotes if len(quote.split()) >= SENTENCE_WORDS]


def outside_brackets(sentence: str) -> str:
    """Return a sentence without its placeholders."""
    return re.sub(r"\[[^\]]*\]", " ", sentence)


SENTENCES = [(place, check.id, sentence) for place, check in ADVICE for sentence in to_copy(check)]


def test_placeholders_are_closed() -> None:
    """Each bracket in an advice is closed before the next one opens, and holds something."""
    for place, check in ADVICE:
        rest = re.sub(r"\[[^\[\]]+\]", "", check.advice)
        assert "[" not in rest, (place, check.id)
        assert "]" not in rest, (place, check.id)


def test_quotation_marks_come_in_pairs() -> None:
    """A sentence to copy begins and ends."""
    for place, check in ADVICE:
        assert check.advice.count('"') % 2 == 0, (place, check.id)


def test_no_sentence_to_copy_brings_a_number() -> None:
    """A figure would be taken for the candidate's own; names such as HL7 or v2 are no figures."""
    with_number = [item for item in SENTENCES if re.search(r"(?<![A-Za-z])\d", outside_brackets(item[2]))]

    assert with_number == []


def test_no_sentence_to_copy_tells_a_story_without_a_gap() -> None:
    """Whoever says "I" or "we" has to put in what is true of them and their workplace."""
    first_person = re.compile(r"\b(I|me|my|mine|myself|we|us|our|ours)\b")
    unfilled = [item for item in SENTENCES if first_person.search(item[2]) and "[" not in item[2]]

    assert unfilled == []


def test_a_number_in_a_placeholder_is_part_of_a_name() -> None:
    """A finished value in brackets is left standing; only names such as A40 or 3D hold digits there."""
    values = [
        (place, check_id, value)
        for place, check_id, sentence in SENTENCES
        for value in re.findall(r"\[([^\]]*)\]", sentence)
        if re.search(r"\b\d+(?:[.,]\d+)*\b|\d\s*%", value)
    ]

    assert values == []


def test_every_red_flag_offers_what_to_say_instead() -> None:
    """Who said something harmful is shown the right sentence, and the judge knows it for the opposite."""
    for place, check in ADVICE:
        if check.kind == "red_flag":
            assert to_copy(check), (place, check.id)
            assert set(to_copy(check)) & set(negative_texts(check)), (place, check.id)


def test_the_sentence_in_the_advice_on_a_point_teaches_the_judge() -> None:
    """What the advice proposes counts as saying it."""
    for place, check in ADVICE:
        if check.kind == "point":
            assert set(to_copy(check)) & set(positive_texts(check)), (place, check.id)


def test_advice_is_no_form_letter() -> None:
    """No way of introducing the sentence to copy is used by more than one in eight."""
    openings = [re.split(r'"', check.advice)[0].split()[-3:] for _, check in advised(shipped_bank())]
    counts = {tuple(words): openings.count(words) for words in openings}

    assert max(counts.values()) <= len(openings) / 8


@pytest.mark.parametrize(
    "word", ["theatre", "organisation", "anonymised", "cancelled", "colour", "programme", "an own"]
)
def test_the_author_speaks_american(word: str) -> None:
    """British spellings and translated phrases stay out of what a candidate reads; sample sentences have any voice."""
    bank = shipped_bank()
    texts = [text for _, check in advised(bank) for text in (check.statement, check.advice)]
    texts += [text for q in bank.questions for text in (q.text, q.rationale, *q.asked_as, *q.follow_ups)]
    texts += [level.descriptor for r in bank.rubrics.values() for c in r.criteria for level in c.levels]

    assert [text for text in texts if re.search(rf"\b{word}\b", text, re.IGNORECASE)] == []


def test_every_check_says_where_it_can_be_looked_up() -> None:
    """A web address, a section of a named document, or openly practice."""
    named = re.compile(
        r"https?://|\b(45|21) CFR \d|\bNIST SP \d|\bHL7 Version|\bDICOM PS3|\bIHE |\bACR |\bvan Ooijen\b"
    )
    for place, check in advised(shipped_bank()):
        assert check.source == "practice" or named.search(check.source), (place, check.id, check.source)


def test_a_law_is_cited_by_its_paragraph() -> None:
    """A bare address of a section of the Code of Federal Regulations is a page of rules, not a source."""
    for place, check in advised(shipped_bank()):
        if "ecfr.gov" in check.source:
            assert re.search(r"\(\w\)|CFR 16[04]\.\d+", check.source), (place, check.id, check.source)
