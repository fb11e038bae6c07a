"""Which sentence is found for which check."""

from __future__ import annotations

from collections.abc import Sequence

from coach.answer.sentences import split_sentences
from coach.bank.questions import Check
from coach.judge.evidence import MAX_ASKED_CHARACTERS, advice_examples, find_evidence, negative_texts, positive_texts
from coach.judge.similarity import LexicalSimilarity

QUESTION = "How do images reach the archive?"


def check(**changes: object) -> Check:
    """Return a point about C-STORE."""
    fields: dict[str, object] = {
        "id": "store",
        "criterion": "concepts",
        "kind": "point",
        "statement": "Names the service that stores images.",
        "advice": 'Name it, not just "store". For example: "The scanner pushes its images with C-STORE."',
    }
    return Check.model_validate({**fields, **changes})


def test_the_sentence_most_like_the_example_is_found() -> None:
    """The evidence is the nearest sentence, with its own number."""
    sentences = split_sentences("Patients wait at the desk. Our CT pushes images with C-STORE. Lunch is at noon.")

    (found,) = find_evidence(LexicalSimilarity(), sentences, [check()], QUESTION)

    assert found.sentence.number == 2
    assert found.signals.example > found.signals.counter


def test_short_quotations_in_an_advice_are_no_examples() -> None:
    """A single quoted term would match everything that mentions it."""
    assert advice_examples(check()) == ["The scanner pushes its images with C-STORE."]


def test_the_advice_on_a_red_flag_counts_against_it() -> None:
    """It says the right thing, so a sentence like it is the opposite of the red flag."""
    flag = check(kind="red_flag", examples=["Images go by e-mail."])

    assert positive_texts(flag) == ["Images go by e-mail."]
    assert negative_texts(flag) == ["The scanner pushes its images with C-STORE."]


def test_padding_changes_no_signal() -> None:
    """Sentences that come nowhere near leave the finding as it was."""
    text = "Our CT pushes images with C-STORE. A workstation then stores images in its cache."
    plain = find_evidence(LexicalSimilarity(), split_sentences(text), [check()], QUESTION)[0]
    padded = find_evidence(LexicalSimilarity(), split_sentences(f"{text} Lunch is at noon."), [check()], QUESTION)[0]

    assert padded.sentence.text == plain.sentence.text


def test_the_whole_answer_is_asked_about_and_one_sentence_quoted() -> None:
    """The model sees the answer, the candidate the sentence; a check without any example is known as such."""
    text = "Patients wait at the desk. Our CT pushes images with C-STORE."
    statement = "Images are stored with C-STORE."
    bare = check(statement=statement, advice=f'Say this in your own words: "{statement}"')

    with_example, without = find_evidence(LexicalSimilarity(), split_sentences(text), [check(), bare], QUESTION)

    assert with_example.text == without.text == text
    assert with_example.sentence.number == 2
    assert (with_example.signals.statement_only, without.signals.statement_only) == (False, True)


def test_of_a_long_answer_the_part_with_the_best_sentence_is_asked_about() -> None:
    """What is asked about has a limit and still holds the best sentence, wherever that stands."""
    statement = "Images are stored with C-STORE."
    bare = check(statement=statement, advice=f'Say this in your own words: "{statement}"')
    text = " ".join(["Patients wait at the desk until somebody calls their name."] * 40)

    (found,) = find_evidence(LexicalSimilarity(), split_sentences(f"{text} {statement} {text}"), [bare], QUESTION)

    assert statement in found.text
    assert len(found.text) <= MAX_ASKED_CHARACTERS


def test_the_sentence_with_the_telling_word_is_quoted() -> None:
    """Of two sentences about the same topic the one that names what the check asks for is the evidence."""
    conformance = check(advice='Say for example: "I compared the conformance statements."')
    text = "I compared the prices of both vendors. I read the conformance statements before that."

    (found,) = find_evidence(EveryPairAlike(), split_sentences(text), [conformance], QUESTION)

    assert found.sentence.number == 2


def test_what_has_nothing_to_do_with_the_question_is_not_asked_about() -> None:
    """Small talk would water the answer down; an answer that is nothing else is asked about as it is."""
    similarity = LexicalSimilarity()
    similarity.unrelated_below = 0.01
    text = "Our CT pushes images with C-STORE. Lunch is at noon."

    (mixed,) = find_evidence(similarity, split_sentences(text), [check()], QUESTION)
    (astray,) = find_evidence(similarity, split_sentences("Lunch is at noon. It rained."), [check()], QUESTION)

    assert mixed.text == "Our CT pushes images with C-STORE."
    assert astray.text == "Lunch is at noon. It rained."


class EveryPairAlike:
    """A similarity that tells nothing apart."""

    name = "alike"
    unrelated_below = 0.0

    def matrix(self, rows: Sequence[str], columns: Sequence[str]) -> list[list[float]]:
        """Return the same number for every pair."""
        return [[0.5 for _ in columns] for _ in rows]


def test_events_count_for_checks_that_need_one() -> None:
    """Such a check learns whether any is told, and quotes it; other checks stay as they were."""
    sentences = split_sentences("Our CT pushes images with C-STORE. Our CT pushes images with C-STORE.")
    checks = [check(), check(id="own", needs_event=True)]

    plain, needing = find_evidence(LexicalSimilarity(), sentences, checks, QUESTION, [0.0, 1.0])
    none_told = find_evidence(LexicalSimilarity(), sentences, checks, QUESTION, [0.0, 0.0])[1]
    not_known = find_evidence(LexicalSimilarity(), sentences, checks, QUESTION)[1]

    assert plain.signals.event is None
    assert (needing.signals.event, needing.sentence.number) == (1.0, 2)
    assert none_told.signals.event == 0.0
    assert not_known.signals.event is None


def test_an_event_that_has_nothing_to_do_with_the_question_does_not_count() -> None:
    """Lunch and weather happened too, and an example of one's own work is not made of them."""
    sentences = split_sentences("Our CT pushes images with C-STORE. I had lunch at noon.")

    (found,) = find_evidence(LexicalSimilarity(), sentences, [check(needs_event=True)], QUESTION, [0.0, 1.0])

    assert (found.signals.event, found.sentence.number) == (0.0, 1)
