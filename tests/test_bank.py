"""The shipped bank keeps its promises: the seed's questions, observable statements, advice with an example, samples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from assessment_factory import shipped_bank
from sample_texts import load_rewordings

from coach.answer.sentences import split_sentences
from coach.bank.examples import Exemplar, load_exemplars
from coach.bank.load import load_bank
from coach.bank.questions import Bank, Check, Question, Rubric
from coach.submit.scoring import LEVEL_THRESHOLDS, score_answer

BANK = shipped_bank()
LIBRARIAN = load_bank(Path(__file__).resolve().parent.parent / "examples" / "librarian" / "questions.yaml")

#: Ids and categories in the order of the seed, so that number n stands at place n.
SEED = [
    ("dicom-standard", "technical-knowledge"),
    ("hl7-integration", "technical-knowledge"),
    ("security-hipaa", "technical-knowledge"),
    ("system-outage", "technical-knowledge"),
    ("database-management", "technical-knowledge"),
    ("slow-performance", "problem-solving"),
    ("archive-recovery", "problem-solving"),
    ("image-data-complaint", "problem-solving"),
    ("system-integration", "workflow-integration"),
    ("staff-training", "workflow-integration"),
    ("monitoring-availability", "monitoring-maintenance"),
    ("upgrade-migration", "monitoring-maintenance"),
    ("cross-team-communication", "soft-skills"),
    ("staying-current", "soft-skills"),
    ("critical-failure-scenario", "scenario"),
]
QUESTIONS = [(bank, question) for bank in (BANK, LIBRARIAN) for question in bank.questions]
RUBRICS = [rubric for bank in (BANK, LIBRARIAN) for rubric in bank.rubrics.values()]
CHECKS = [check for _, question in QUESTIONS for check in question.checks] + [c for r in RUBRICS for c in r.checks]

every_question = pytest.mark.parametrize(("bank", "question"), QUESTIONS, ids=[q.id for _, q in QUESTIONS])
every_shipped_question = pytest.mark.parametrize("question", BANK.questions, ids=[q.id for q in BANK.questions])
every_rubric = pytest.mark.parametrize("rubric", RUBRICS, ids=[rubric.id for rubric in RUBRICS])


def length(text: str) -> int:
    """Return the number of words."""
    return len(text.split())


def of_kind(question: Question, kind: str) -> list[Check]:
    """Return the question's own checks of a kind."""
    return [check for check in question.checks if check.kind == kind]


def test_the_questions_are_those_of_the_seed_in_its_order() -> None:
    """Fifteen ids with the numbers 1 to 15 and their categories: other files and saved attempts name them."""
    assert [(question.id, question.category) for question in BANK.questions] == SEED
    assert [question.number for question in BANK.questions] == list(range(1, 16))
    assert (BANK.profession, BANK.language) == ("PACS administrator", "en")


@every_question
def test_each_question_has_enough_points_and_a_few_red_flags(bank: Bank, question: Question) -> None:
    """More points of its own than anybody needs, one to three red flags, and general checks beside them."""
    fewest, most = (10, 18) if bank is BANK else (6, 10)
    assert fewest <= len(of_kind(question, "point")) <= most
    assert 1 <= len(of_kind(question, "red_flag")) <= 3
    assert bank.rubric_of(question).checks


@every_question
def test_each_criterion_can_be_judged(bank: Bank, question: Question) -> None:
    """Every criterion of the question's rubric has at least one point."""
    with_points = {check.criterion for check in bank.checks_of(question) if check.kind == "point"}

    assert with_points == {criterion.id for criterion in bank.rubric_of(question).criteria}


#: What the published list gives as the reason for a question, in the words that must not be lost.
SEED_REASONS = {
    "dicom-standard": "different makers|works together",
    "hl7-integration": "systems|traffic is HL7",
    "security-hipaa": "protect|many remote readers",
    "system-outage": "troubleshoot|manage a crisis",
    "database-management": "goes through its database|fast",
    "slow-performance": "measure|bottleneck",
    "archive-recovery": "experience with data recovery and backups",
    "image-data-complaint": "listen first for your communication|under pressure",
    "system-integration": "Seamless integration|work flow",
    "staff-training": "teach|collaborative environment",
    "monitoring-availability": "Monitoring tools and proactive maintenance|avoid that downtime",
    "upgrade-migration": "An upgrade or a migration|complex|efficiently",
    "cross-team-communication": "between people who talk about servers and people who talk about patients",
    "staying-current": "Continuous learning is key",
    "critical-failure-scenario": "think on your feet|what comes first|informed",
}


@every_shipped_question
def test_the_reason_why_a_question_is_asked_is_the_published_one(question: Question) -> None:
    """Nothing of what interviewers are said to look for is bent into something else."""
    for part in SEED_REASONS[question.id].split("|"):
        assert part in question.rationale


@every_question
def test_each_question_says_why_it_is_asked_and_what_comes_next(bank: Bank, question: Question) -> None:
    """A rationale, at least two follow-up questions, and sources where its statements can be looked up."""
    assert length(question.rationale) >= 15
    assert len(question.follow_ups) >= 2
    assert all(text.endswith("?") for text in question.follow_ups)
    assert question.sources
    assert len(set(question.sources)) == len(question.sources)


def test_every_statement_is_one_sentence_that_begins_with_a_verb() -> None:
    """Each reads on from "The answer …" or "The candidate …", in the third person, and says one thing."""
    for check in CHECKS:
        first = check.statement.split()[0].rstrip(",")
        assert re.fullmatch(r"[A-Z][a-z]*s", first), check.statement
        assert check.statement.endswith(".")
        assert len(split_sentences(check.statement)) == 1, check.statement
        assert length(check.statement) <= 30


def test_every_advice_to_add_something_shows_how_it_may_sound() -> None:
    """Advice on a point holds an example sentence in double quotes, which a candidate can fill in."""
    for check in CHECKS:
        if check.kind == "point":
            examples = re.findall(r'"([^"]+)"', check.advice)
            assert examples, check.id
            assert max(length(example) for example in examples) >= 5, check.id


def test_example_sentences_are_single_different_and_not_the_statement() -> None:
    """What helps to find a check says it in other words, and no counter-example is an example too."""
    for check in CHECKS:
        sentences = [*check.examples, *check.counter_examples]
        assert len({sentence.casefold() for sentence in sentences}) == len(sentences), check.id
        assert check.statement not in sentences


def test_no_sample_answer_was_copied_into_the_checks() -> None:
    """Exemplars and rewordings measure the judge: a sentence that it was given beforehand would measure nothing."""
    given = {sentence.casefold() for check in CHECKS for sentence in (*check.examples, *check.counter_examples)}
    answers = [exemplar.answer for question in BANK.questions for exemplar in load_exemplars(question.id)]
    answers += [rewording.answer for rewording in load_rewordings()]

    copied = [s.text for answer in answers for s in split_sentences(answer) if s.text.casefold() in given]

    assert copied == []


@every_rubric
def test_each_rubric_describes_its_levels(rubric: Rubric) -> None:
    """Weights add up to one, every level has its own descriptor, and titles say where one stands."""
    assert sum(criterion.weight for criterion in rubric.criteria) == pytest.approx(1)
    for criterion in rubric.criteria:
        descriptors = [level.descriptor for level in criterion.levels]
        assert len(set(descriptors)) == len(descriptors)
        assert all(length(descriptor) >= 2 for descriptor in descriptors)
        assert len({level.title for level in criterion.levels}) == len(criterion.levels)


def test_no_rubric_is_left_over() -> None:
    """Every file under rubrics/ is used by a question."""
    folder = Path(__file__).resolve().parent.parent / "rubrics"

    assert {path.stem for path in folder.glob("*.yaml")} == set(BANK.rubrics)


def score_by_labels(question: Question, exemplar: Exemplar) -> float:
    """Return the score that a perfect judge would give."""
    checks = BANK.checks_of(question)
    labels = {c.id: 1.0 if c.id in exemplar.met else 0.5 if c.id in exemplar.partly else 0.0 for c in checks}
    score = score_answer(BANK.rubric_of(question), checks, labels)
    assert score is not None
    return score


@every_shipped_question
def test_the_sample_answers_differ_as_their_levels_say(question: Question) -> None:
    """By its labels the strong answer reaches the top level, the partial one half way, the weak one next to nothing."""
    strong, partial, weak = load_exemplars(question.id)
    points = {check.id for check in BANK.checks_of(question) if check.kind == "point"}
    red_flags = {check.id for check in BANK.checks_of(question) if check.kind == "red_flag"}

    assert 120 <= length(strong.answer) <= 220
    assert 40 <= length(weak.answer) < length(partial.answer) < length(strong.answer)
    assert score_by_labels(question, strong) >= 100 * LEVEL_THRESHOLDS[-1]
    assert 25 <= score_by_labels(question, partial) <= 80
    assert score_by_labels(question, weak) <= 15
    assert not red_flags & {*strong.met, *strong.partly, *partial.met, *partial.partly}
    assert len(points & set(weak.met)) < len(points & set(partial.met)) < len(points & set(strong.met))
    assert (strong.flaw, partial.flaw) == (None, None)
    assert weak.flaw


@every_shipped_question
def test_the_labels_of_a_sample_answer_name_checks(question: Question) -> None:
    """Every label is a check of the question or its rubric, and no check is met and partly met at once."""
    checks = {check.id for check in BANK.checks_of(question)}

    for exemplar in load_exemplars(question.id):
        labels = [*exemplar.met, *exemplar.partly]
        assert set(labels) <= checks
        assert len(set(labels)) == len(labels)


def test_another_profession_is_another_bank() -> None:
    """The librarians' bank is loaded by its path with its own rubrics, and shares nothing with the shipped one."""
    assert LIBRARIAN.profession == "public librarian"
    assert len(LIBRARIAN.questions) >= 3
    assert not set(LIBRARIAN.rubrics) & set(BANK.rubrics)
    assert "PACS" not in LIBRARIAN.model_dump_json()
