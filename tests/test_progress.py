"""Progress over the attempts at one question: scores, checks gained and lost, advice that keeps coming back."""

from __future__ import annotations

from typing import Any

import pytest
from history_factory import BANK, attempt, judged

from coach.history.progress import LAST_ATTEMPTS, progress_of, summarize
from coach.history.records import Attempt
from coach.judge.judging import Verdict
from coach.judge.signals import verdict_of
from coach.submit.scoring import SCORING_RULE

MET, PARTLY, NOT_MET, UNJUDGED = Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET, Verdict.UNJUDGED


def scores(*values: float | None) -> list[Attempt]:
    """Return attempts 1, 2, … with these scores."""
    return [attempt(number, judged(value)) for number, value in enumerate(values, start=1)]


def advised(*lists: dict[str, float]) -> list[Attempt]:
    """Return attempts with this advice: check id to gain."""
    return [attempt(number, judged(advice=list(advice.items()))) for number, advice in enumerate(lists, start=1)]


def test_the_series_tells_first_latest_and_best() -> None:
    """The attempts stay in order; of equals the latest is best."""
    progress = progress_of(scores(40, 70, 70, 55))

    assert [item.score for item in progress.attempts] == [40, 70, 70, 55]
    assert (progress.first_score, progress.latest_score, progress.best_attempt) == (40, 55, 3)
    assert (progress.scored, progress.notes) == (4, [])


def test_attempts_without_a_score_are_left_out_and_named() -> None:
    """A null score is neither 0 nor first nor latest nor best, and the notes say which attempts it concerns."""
    progress = progress_of(scores(None, 40, None, 60, None))

    assert (progress.first_score, progress.latest_score, progress.best_attempt, progress.scored) == (40, 60, 4, 2)
    assert progress.notes == ["Attempts 1, 3, 5 have no score and are not counted here."]
    assert progress_of(scores(50, None)).notes == ["Attempt 2 has no score and is not counted here."]


def test_no_score_at_all_is_said_with_nulls() -> None:
    """Attempts that could not be scored give no numbers."""
    progress = progress_of(scores(None, None))

    assert (progress.first_score, progress.latest_score, progress.best_attempt) == (None, None, None)
    assert (progress.gained, progress.lost, progress.recurring) == ([], [], [])


def test_checks_gained_and_lost_since_the_first_attempt() -> None:
    """The first and the latest scored attempt count, not those between; a red flag that went away is a gain."""
    progress = progress_of(
        [
            attempt(1, judged(None)),
            attempt(2, judged(40, {"header-tags": MET, "modality-worklist": NOT_MET, "guaranteed-plug-and-play": MET})),
            attempt(3, judged(90, {"conformance-statement": MET})),
            attempt(
                4,
                judged(60, {"header-tags": PARTLY, "modality-worklist": MET, "guaranteed-plug-and-play": NOT_MET}),
            ),
        ]
    )

    assert {(c.check_id, c.kind, c.before, c.after) for c in progress.gained} == {
        ("modality-worklist", "point", NOT_MET, MET),
        ("guaranteed-plug-and-play", "red_flag", MET, NOT_MET),
    }
    assert [(c.check_id, c.before, c.after) for c in progress.lost] == [("header-tags", MET, PARTLY)]
    assert progress.lost[0].statement


def test_a_red_flag_that_appeared_is_a_loss() -> None:
    """Saying something harmful that was not said at first is worse, though the verdict "rose"."""
    progress = progress_of(
        [attempt(1, judged(60, {"only-a-file-format": NOT_MET})), attempt(2, judged(50, {"only-a-file-format": MET}))]
    )

    assert [change.check_id for change in progress.lost] == ["only-a-file-format"]
    assert progress.gained == []


@pytest.mark.parametrize(("before", "after"), [(0.61, 0.59), (0.59, 0.61)])
def test_what_rewording_moves_is_no_change(before: float, after: float) -> None:
    """A verdict that flips because its probability crosses a border by a hair is neither gained nor lost."""
    first, latest = (judged(50, {"header-tags": verdict_of(p)}) for p in (before, after))
    for assessment, probability in ((first, before), (latest, after)):
        (check,) = (check for check in assessment.check_results() if check.id == "header-tags")
        check.probability = probability
    progress = progress_of([attempt(1, first), attempt(2, latest)])

    assert (progress.gained, progress.lost) == ([], [])


def test_checks_that_cannot_be_compared_are_left_out() -> None:
    """A check that was not judged, or that only one version of the bank had, is neither gained nor lost."""
    first = judged(40, {"header-tags": UNJUDGED, "file-and-network": MET})
    latest = judged(60, {"header-tags": MET, "file-and-network": UNJUDGED})
    for criterion in first.criteria:
        criterion.checks = [check for check in criterion.checks if check.id != "modality-worklist"]
    latest.criteria[1].checks[3].verdict = MET

    progress = progress_of([attempt(1, first), attempt(2, latest)])
    changed = [change.check_id for change in progress.gained + progress.lost]
    assert "header-tags" not in changed
    assert "file-and-network" not in changed
    assert "modality-worklist" not in changed


def test_one_attempt_has_no_changes() -> None:
    """With nothing to compare, nothing is gained or lost and nothing comes back."""
    progress = progress_of(advised({"modality-worklist": 5}))

    assert (progress.gained, progress.lost, progress.recurring) == ([], [], [])


def test_advice_that_keeps_coming_back() -> None:
    """Advice of the latest attempt that another recent one got too, the most frequent and most useful first."""
    progress = progress_of(advised({"a": 1, "b": 9}, {"a": 1, "c": 2}, {"c": 4, "d": 9, "b": 2, "a": 1}))

    assert [(advice.check_id, advice.times, advice.of, advice.gain) for advice in progress.recurring] == [
        ("a", 3, 3, 1),
        ("c", 2, 3, 4),
        ("b", 2, 3, 2),
    ]
    assert progress.recurring[0].advice == "Add a."


def test_advice_that_was_followed_is_not_repeated() -> None:
    """What the latest attempt no longer needs is not held against it."""
    assert progress_of(advised({"a": 1}, {"a": 1}, {"b": 1})).recurring == []


def test_only_the_last_attempts_count_for_advice() -> None:
    """An old attempt does not make advice recurring."""
    others = [{"b": 1.0}] * (LAST_ATTEMPTS - 1)

    assert [advice.check_id for advice in progress_of(advised({"a": 1}, *others[1:], {"a": 1})).recurring] == ["a"]
    assert progress_of(advised({"a": 1}, *others, {"a": 1})).recurring == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "another"}, "by different models"),
        ({"judge": "structured"}, "with different methods"),
        ({"prompt_version": "2"}, "with different prompts"),
        ({"bank_sha256": "0"}, "under different versions of the bank"),
        ({"rubric_sha256": "0"}, "under different rubrics"),
        ({"judging_sha256": "0"}, "with different settings"),
    ],
)
def test_scores_of_different_judges_are_marked(change: dict[str, Any], words: str) -> None:
    """Scores by another model, method, prompt or rubric are comparable only roughly, and the notes say so."""
    (note,) = progress_of([attempt(1, judged(40)), attempt(2, judged(60, **change))]).notes

    assert words in note
    assert "only roughly" in note


def test_scores_by_an_older_rule_are_kept_and_marked() -> None:
    """They stand as they were, each says by which rule, and where rules are mixed a note warns of the scores."""
    old, new = [judged(40, scoring_rule=1)] * 2, [judged(60)]
    mixed = progress_of([attempt(number, a) for number, a in enumerate([*old, *new], 1)])

    assert [(item.score, item.scoring_rule) for item in mixed.attempts] == [(40, 1), (40, 1), (60, SCORING_RULE)]
    assert mixed.notes == [
        "Attempts 1, 2 were scored by an older rule: compare which points were made, not the scores."
    ]
    assert progress_of([attempt(number, a) for number, a in enumerate(old, 1)]).notes == []


def test_attempts_of_another_bank_are_left_out_and_named() -> None:
    """The same id in two banks means two questions; the latest attempt's bank counts."""
    progress = progress_of(
        [attempt(1, judged(10), bank_title="Librarian"), attempt(2, judged(50)), attempt(3, judged(60))]
    )

    assert (progress.bank_title, progress.first_score) == (BANK, 50)
    assert [item.id for item in progress.attempts] == [2, 3]
    assert progress.notes == ["Attempts of another bank are left out: Librarian."]


def test_progress_needs_attempts_at_one_question() -> None:
    """No attempt, or several questions, is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least one"):
        progress_of([])
    with pytest.raises(ValueError, match="one question"):
        progress_of([attempt(1), attempt(2, judged(question_id="hl7-integration"))])


def test_a_summary_holds_no_answer() -> None:
    """The listing's rows carry the numbers and none of the candidate's words."""
    summary = summarize(attempt(3, judged(55)))

    assert (summary.id, summary.score, summary.interval, summary.needs_review) == (3, 55, (47, 63), True)
    assert "Answer 3" not in summary.model_dump_json()
