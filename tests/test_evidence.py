"""Which sentence is found for which check."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.answer.sentences import split_sentences
from coach.bank.questions import Check
from coach.judge.evidence import (
    MAX_ASKED_CHARACTERS,
    KeyWords,
    Likeness,
    advice_examples,
    choose_quotes,
    find_evidence,
    negative_texts,
    positive_texts,
)
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


def test_a_statement_may_be_the_question_itself() -> None:
    """A reference answer that repeats the question is compared like any other."""
    repeated = check(statement=QUESTION, advice=QUESTION)

    (found,) = find_evidence(
        LexicalSimilarity(), split_sentences("Images reach the archive by C-STORE."), [repeated], QUESTION
    )

    assert found.sentence.number == 1


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


SHARE = st.floats(0, 1)
LIKENESS = st.builds(Likeness, st.lists(SHARE, min_size=1, max_size=6), SHARE, SHARE, SHARE)


def like(*examples: float, statement: float = 0.3, words: float = 0.0) -> Likeness:
    """Return what a sentence has in common with a check."""
    return Likeness(list(examples), statement, words, 0.0)


def test_several_examples_say_more_than_one() -> None:
    """A sentence near to one odd example loses to one that is near to all."""
    odd, typical = like(0.6, 0.1, 0.1, 0.1), like(0.5, 0.5, 0.5, 0.1)

    assert choose_quotes([[odd, typical]]) == [1]


def test_the_telling_word_decides() -> None:
    """Of two sentences on the same topic the one that names what the check asks for is quoted."""
    assert choose_quotes([[like(0.5), like(0.45, words=0.5)]]) == [1]


def test_a_sentence_about_everything_is_quoted_for_nothing() -> None:
    """It comes near to every check, each of which has a sentence of its own that comes nearly as near."""
    everything, other = like(0.6), like(0.1)
    own = like(0.5)

    assert choose_quotes([[everything, own, other], [everything, other, own]]) == [1, 2]


def test_a_story_is_quoted_where_one_is_asked_for() -> None:
    """Of two sentences that come as near, the one that tells of an event shows the example."""
    habit, story = Likeness([0.45], 0.3, 0.0, 0.0), Likeness([0.4], 0.3, 0.0, 0.0, event=1.0)

    assert choose_quotes([[habit, story]]) == [1]


@given(st.data())
def test_each_check_gets_a_sentence_that_exists(data: st.DataObject) -> None:
    """Whatever was measured, there is one index for each check."""
    sentences = data.draw(st.integers(1, 5))
    rows = data.draw(st.lists(st.lists(LIKENESS, min_size=sentences, max_size=sentences), min_size=1, max_size=4))

    quotes = choose_quotes(rows)

    assert len(quotes) == len(rows)
    assert all(0 <= quote < sentences for quote in quotes)


TEXTS = ["I compared the conformance statements.", "I compared the prices.", "I compared two vendors."]


def test_a_word_that_few_texts_hold_counts_more() -> None:
    """ "conformance" tells the first text from the others, "compared" does not."""
    words = KeyWords(TEXTS, "What is DICOM?")

    assert words.shares("The conformance was checked.")[TEXTS[0]] > words.shares("We compared it.")[TEXTS[0]]


def test_words_of_the_question_prove_nothing() -> None:
    """An answer that repeats the question shares nothing with what is asked for."""
    words = KeyWords(["Compared prices"], "Have you compared prices?")

    assert words.shares("I have compared prices.") == {"Compared prices": 0.0}


def test_the_same_text_shares_everything() -> None:
    """All words are found, in any case."""
    assert KeyWords(TEXTS, "").shares(TEXTS[0].upper())[TEXTS[0]] == pytest.approx(1.0)


@given(st.lists(st.text(max_size=30), max_size=4), st.text(max_size=20), st.text(max_size=60), st.text(max_size=60))
def test_more_text_never_shares_less(texts: list[str], question: str, source: str, more: str) -> None:
    """Every share lies between 0 and 1 and can only rise with further sentences."""
    words = KeyWords(texts, question)
    before, after = words.shares(source), words.shares(f"{source} {more}")

    assert all(0.0 <= before[text] <= after[text] + 1e-12 <= 1.0 + 1e-9 for text in texts)
