"""Tests of coach.compare.new_claims."""

from __future__ import annotations

from assessment_factory import ANSWER, dicom_question, shipped_bank
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.compare.new_claims import new_claims
from coach.compare.result import NewClaim


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
    assert [claim.claim for claim in claims(f"{ANSWER} It ran on Windows 2019 in those days.")] == ["Windows 2019"]


def test_following_the_advice_claims_nothing() -> None:
    """What the advice says word for word cannot be a claim of the candidate's own."""
    advice = " ".join(check.advice for check in shipped_bank().checks_of(dicom_question()))

    assert claims(f"{ANSWER} {advice}") == []


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


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=80))
def test_a_text_has_no_new_claims_against_itself(text: str) -> None:
    """What stood in the old version is never new."""
    assert claims(text, old=text) == []
