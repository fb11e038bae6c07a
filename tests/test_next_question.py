"""Which question comes next: never answered, then weakest, then longest ago."""

from __future__ import annotations

from datetime import timedelta, timezone

from assessment_factory import shipped_bank
from history_factory import attempt, judged
from hypothesis import given
from hypothesis import strategies as st

from coach.bank.questions import Bank
from coach.history.progress import SCORE_STEP, rank_questions
from coach.history.records import Attempt, Suggestion

BANK: Bank = shipped_bank().model_copy(update={"questions": shipped_bank().questions[:5]})
IDS = [question.id for question in BANK.questions]


def done(number: int, question: int, score: float | None, day: int = 0) -> Attempt:
    """Return attempt ``number`` at the bank's question with this position."""
    return attempt(number, judged(score, question_id=IDS[question]), bank_title=BANK.title, day=day)


def ranked(*attempts: Attempt) -> list[Suggestion]:
    """Return the suggestions for these attempts."""
    return rank_questions(BANK, attempts).suggestions


def order(*attempts: Attempt) -> list[int]:
    """Return the positions in the bank, the question to practise next first."""
    return [IDS.index(suggestion.question_id) for suggestion in ranked(*attempts)]


def test_without_attempts_the_banks_order_counts() -> None:
    """Everything is new: the first question of the bank comes first, with its text and a reason."""
    suggestions = ranked()

    assert [suggestion.question_id for suggestion in suggestions] == IDS
    assert [suggestion.rank for suggestion in suggestions] == [1, 2, 3, 4, 5]
    assert suggestions[0].text == BANK.questions[0].text
    assert (suggestions[0].basis, suggestions[0].reason) == ("never-answered", "You have not answered it yet.")


def test_never_answered_then_unscored_then_weakest() -> None:
    """A new question comes before an unscored one, that before the weakest score."""
    assert order(done(1, 0, 80), done(2, 1, 20), done(3, 3, None)) == [2, 4, 3, 1, 0]


def test_the_latest_score_counts_not_the_best_or_the_first() -> None:
    """Improving moves a question back, falling back moves it forward, and no score hides none."""
    attempts = [
        done(1, 0, 10),
        done(2, 1, 50),
        done(3, 0, 90),
        done(4, 2, 60),
        done(5, 3, 70),
        done(6, 4, 99),
        done(8, 4, 55),
        done(7, 1, None),
    ]

    assert order(*attempts) == [1, 4, 2, 3, 0]
    assert ranked(*attempts)[0].latest_score == 50
    assert ranked(*attempts)[0].attempts == 2


def test_about_equal_scores_go_by_time() -> None:
    """Within SCORE_STEP points the one practised longest ago comes first, and the reason says so."""
    everything = [
        done(5, 3, 90),
        done(6, 4, 95),
        done(1, 1, 40, day=9),
        done(2, 0, 40 + SCORE_STEP - 1, day=3),
        done(3, 2, 40 + SCORE_STEP, day=1),
    ]
    suggestions = ranked(*everything)

    assert order(*everything)[:3] == [0, 1, 2]
    assert suggestions[0].basis == "longest-ago"
    assert (
        suggestions[0].reason
        == "Latest score 44 of 100, about the same as others; of these, last practised 2026-11-04."
    )
    assert suggestions[2].basis == "weakest"


def test_the_weakest_is_called_so() -> None:
    """The reason of the first question names its score and the day."""
    suggestions = ranked(*(done(number, number - 1, 10.0 * number) for number in range(1, 6)))

    assert suggestions[0].reason == "Your weakest question: latest score 10 of 100; last practised 2026-11-02."
    assert suggestions[1].reason == "Latest score 20 of 100; last practised 2026-11-03."


def test_a_score_by_an_older_rule_is_called_so() -> None:
    """The latest score decides, and when an older rule made it the reason says so."""
    old = attempt(1, judged(10, question_id=IDS[0], scoring_rule=1), bank_title=BANK.title)
    reasons = [suggestion.reason for suggestion in ranked(old, *(done(n, n, 50) for n in range(1, 5)))]

    assert reasons[0] == (
        "Your weakest question: latest score 10 of 100 by an older scoring rule; last practised 2026-11-02."
    )
    assert not any("older" in reason for reason in reasons[1:])


def test_days_are_the_users_days() -> None:
    """A practice late in the evening belongs to that evening."""
    east = timezone(timedelta(hours=9))
    suggestion = rank_questions(BANK, [done(1, number, 50) for number in range(5)], east).suggestions[0]

    assert "2026-11-03" in suggestion.reason


def test_other_banks_and_removed_questions_are_ignored() -> None:
    """Attempts of another bank, or at a question that the bank no longer has, change nothing."""
    other = attempt(1, judged(5, question_id=IDS[0]), bank_title="Librarian")
    removed = attempt(2, judged(5, question_id="gone"), bank_title=BANK.title)

    assert ranked(other, removed) == ranked()


@given(st.lists(st.tuples(st.integers(0, 4), st.none() | st.floats(0, 100)), max_size=12))
def test_every_question_is_ranked_once_and_always_the_same(history: list[tuple[int, float | None]]) -> None:
    """Whatever was practised, the ranking is complete and repeatable, and new questions come first."""
    attempts = [done(number, question, score) for number, (question, score) in enumerate(history, start=1)]
    suggestions = ranked(*attempts)

    assert sorted(suggestion.question_id for suggestion in suggestions) == sorted(IDS)
    assert suggestions == ranked(*attempts)
    answered = [suggestion.attempts > 0 for suggestion in suggestions]
    assert answered == sorted(answered)
