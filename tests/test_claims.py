"""Tests of coach.compare.claims: new names, new numbers, and the two in an answer."""

from __future__ import annotations

import pytest
from assessment_factory import ANSWER, dicom_question, shipped_bank
from hypothesis import example, given
from hypothesis import strategies as st

from coach.bank.questions import Bank
from coach.calibrate.reference import reference_bank, reference_question
from coach.compare.claims import new_claims
from coach.compare.result import NewClaim

#: A bank that holds hardly any word.
SMALL = reference_bank([reference_question("Is it so?", "yes")])


def facts(kind: str, text: str, known: str = "", language: str = "en") -> list[str]:
    """Return the new names or numbers of a text, as the report names them."""
    bank = SMALL.model_copy(update={"language": language})
    found = new_claims(text, known, bank, SMALL.questions[0])
    assert all(text[claim.start : claim.end] == claim.claim != "" for claim in found)
    return [claim.claim for claim in found if claim.kind == kind]


def names(text: str, known: str = "", language: str = "en") -> list[str]:
    """Return the new names of a text."""
    return facts("name", text, known, language)


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Our archive was from Sectra at that time.", ["Sectra"]),
        ("We moved to Agfa Enterprise Imaging in May.", ["Agfa Enterprise Imaging"]),
        ("I wrote it in PowerShell and read the logs in Splunk.", ["PowerShell", "Splunk"]),
        ("The SIEM alerted us to Log4j.", ["SIEM", "Log4j"]),
        ("Splunk showed it, because iLO was off.", ["iLO"]),
        ("The archive (Sectra) was full.", ["Sectra"]),
    ],
)
def test_names_inside_a_sentence_are_names(text: str, claims: list[str]) -> None:
    """Capitalised words, acronyms and product-like spellings are names; names in a row are one."""
    assert names(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "The archive was full. Then I called. “We know”, they said: Nobody had seen it.",
        "- First, I look. **Result:** They were happy.",
        "On Monday in March I told Mr Smith's team that I'd do it, OK?".replace("Smith's ", ""),
        "WE HAD AN OUTAGE AND THE NAS WAS FULL",
        "Monitoring And Alerting In My Department",
        "Replace it by [Name of the Product] here.",
        "Our Team did it, and the team was proud.",
    ],
)
def test_a_capital_alone_is_no_name(text: str) -> None:
    """Beginnings of sentences, headings, weekdays, shouting, placeholders and emphasis raise no alarm."""
    assert names(text) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("We use the DICOM standard.", "what is dicom?"),
        ("All CTs send with C-STORE.", "A CT sends images (c-store)."),
        ("It is Sectra's archive.", "The archive is from Sectra."),
        ("We use a C-FIND for that.", "cfind is used"),
        ("They came by Wi-Fi to us.", "wifi"),
    ],
)
def test_what_is_known_is_not_new(text: str, known: str) -> None:
    """Another spelling, a plural or a possessive of a known word is no new name."""
    assert names(text, known) == []
    assert names(text) != []


def test_a_name_is_told_once() -> None:
    """The second mention of a name is no second claim."""
    assert names("We use Splunk here, and I like Splunk there.") == ["Splunk"]


def test_where_all_nouns_have_capitals_only_spelling_tells() -> None:
    """In German a capital inside a sentence says nothing, but an acronym does."""
    assert names("Ich habe den Server im Keller mit der USV verbunden.", language="de") == ["USV"]


@given(st.text(max_size=60))
def test_any_text_can_be_read_for_names(text: str) -> None:
    """No text breaks the search, and every name lies in the text; said again, none is new."""
    assert not set(names(text)) & set(names(text, text))


def numbers(text: str, known: str = "") -> list[str]:
    """Return the new numbers of a text."""
    return facts("number", text, known)


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("We lost 37 studies that night.", ["37 studies"]),
        ("It fell from 40 % to 12%.", ["40 %", "12%"]),
        ("That saved $20,000 in 2019.", ["$20,000", "2019"]),
        ("I moved 500GB in a 24-hour window.", ["500GB", "24-hour"]),
        ("About forty studies failed, and twenty-five were lost.", ["forty studies", "twenty-five"]),
        ("We keep two hundred workstations and a dozen servers.", ["two hundred workstations", "dozen servers"]),
        ("It is used by 40 thousand people.", ["40 thousand people"]),
        ("Four nurses called.", ["Four nurses"]),
        ("Version 1.3 was switched on at 08:30.", ["1.3", "08:30"]),
    ],
)
def test_numbers_are_named_with_what_they_count(text: str, claims: list[str]) -> None:
    """A number in digits or words is a fact, and is told together with its unit or the word that it counts."""
    assert numbers(text) == claims


@pytest.mark.parametrize(
    "text",
    [
        "One of them called me, and two did not.",
        "There are three things to do, in four steps.",
        "Step 3 is the phase 2 of the question 5.",
        "1. First I look at the log.",
        "I do 1) this and 2) that.",
        "I am 100 % sure, a hundred percent.",
        "The 3rd and the 21st time it worked 24/7.",
        "HL7, PS3.4, AES-256 and C3PO are names.",
        "Hundreds of studies and dozens of people.",
        "All three of us agreed.",
    ],
)
def test_what_only_counts_off_is_no_fact(text: str) -> None:
    """List numbers, ordinals, small numbers in words and idioms raise no alarm."""
    assert numbers(text) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("We lost forty studies.", "We lost 40 studies."),
        ("We lost 40 studies.", "Forty of them were lost."),
        ("It holds 1,200 GB.", "It holds 1200 GB."),
        ("It holds 40,000 files.", "It holds 40 thousand files."),
        ("It fell by 12.50 %.", "It fell by 12.5 percent."),
        ("At 08:30 it was over.", "It ended at 08:30."),
    ],
)
def test_a_number_written_in_another_way_is_not_new(text: str, known: str) -> None:
    """Words or digits, with or without separators: the same value is the same fact."""
    assert numbers(text, known) == []
    assert numbers(text) != []


def test_a_number_is_told_once() -> None:
    """The second mention of a number is no second claim."""
    assert numbers("We lost 37 studies, and the 37 patients were called.") == ["37 studies"]


@given(st.text(alphabet="0123456789,.:%$ -/()abEmiofhundred", max_size=40))
def test_any_text_can_be_read_for_numbers(text: str) -> None:
    """Odd numbers break nothing, and every claim lies in the text; said again, none is new."""
    assert not set(numbers(text)) & set(numbers(text, text))


def claims(new: str, old: str = ANSWER) -> list[NewClaim]:
    """Return the new claims of an answer to the question about DICOM."""
    return new_claims(new, old, shipped_bank(), dicom_question())


def test_a_fact_is_told_with_its_sentence() -> None:
    """Each claim has its place in the new text, and the sentence that states it, word for word."""
    new = f"{ANSWER}\nWith Sectra we cut failed transfers by 37 percent. Nobody complained."
    (name, number) = claims(new)

    assert (name.kind, name.claim, number.kind, number.claim) == ("name", "Sectra", "number", "37 percent")
    assert new[name.start : name.end] == name.claim
    assert new[number.start : number.end] == number.claim
    assert name.evidence == number.evidence
    assert name.evidence.quote == "With Sectra we cut failed transfers by 37 percent."
    assert new[name.evidence.start : name.evidence.end] == name.evidence.quote


def test_a_name_and_its_number_are_one_claim() -> None:
    """A product with its version is one thing to explain."""
    assert [claim.claim for claim in claims(f"{ANSWER} It ran on Solaris 2019 in those days.")] == ["Solaris 2019"]


def test_what_is_copied_from_an_advice_is_a_claim() -> None:
    """An advice knows nothing about the candidate: its numbers and names are told, so that they are confirmed."""
    question = dicom_question()
    advised = question.checks[0].model_copy(update={"advice": "Say: we moved 37 studies to Sectra."})
    copied = question.model_copy(update={"checks": [advised, *question.checks[1:]]})
    bank = shipped_bank().model_copy(update={"questions": [copied]})

    found = new_claims(f"{ANSWER} We moved 37 studies to Sectra.", ANSWER, bank, copied)
    assert [claim.claim for claim in found] == ["37 studies", "Sectra"]


def test_no_advice_of_the_shipped_bank_is_a_source_of_facts() -> None:
    """A text of all advice holds the same claims whether the bank gives that advice or none."""
    bank = shipped_bank()
    advice = dict.fromkeys(check.advice for question in bank.questions for check in bank.checks_of(question))
    text = " ".join(advice)
    found = claims(text)

    assert found
    assert found == new_claims(text, ANSWER, without_advice(bank), dicom_question())


def without_advice(bank: Bank) -> Bank:
    """Return the bank with every advice replaced by one that holds no fact."""
    data = bank.model_dump()
    for owner in (data, *data["questions"], *data["rubrics"].values()):
        for check in owner.get("checks", owner.get("red_flags")):
            check["advice"] = "say it"
    return Bank.model_validate(data)


def test_the_vocabulary_of_the_bank_claims_nothing() -> None:
    """An acronym that another question of the bank uses is common knowledge in the profession."""
    assert claims(f"{ANSWER} We also check each ADT message, and send copies over TLS.") == []


def test_abbreviations_of_the_trade_claim_nothing() -> None:
    """Examples that the candidate never sees know them too; a product or a certificate is a claim all the same."""
    text = "I watch the CPU and RAM over a VPN. I hold the CISM, and our archive runs on Siemens hardware."

    assert [claim.claim for claim in claims(text)] == ["CISM", "Siemens"]


def test_a_number_of_another_question_is_a_claim() -> None:
    """Numbers are facts; that some other question mentions the value makes it no less a claim."""
    assert [claim.claim for claim in claims(f"{ANSWER} It took us eight days to connect it.")] == ["eight days"]


@given(st.text(max_size=80))
@example("A0.¹")
def test_a_text_has_no_new_claims_against_itself(text: str) -> None:
    """What stood in the old version is never new."""
    assert names(text, text) == numbers(text, text) == []
