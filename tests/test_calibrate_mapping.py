"""Tests of coach.calibrate.mapping: fitting a mapping, applying it, keeping it under a name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from assessment_factory import dicom_assessment
from gold_factory import calibration
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from coach.calibrate.mapping import (
    apply_calibration,
    check_name,
    fit_half,
    fit_mapping,
    load_calibration,
    map_score,
    save_calibration,
)
from coach.calibrate.result import Knot
from coach.errors import InputError, StorageError
from coach.submit.assessment import Assessment

PERCENT = st.floats(0, 100).map(lambda value: round(value, 1))
PAIRS = st.lists(st.tuples(PERCENT, PERCENT), min_size=10, max_size=60)


def fitted(pairs: list[tuple[float, float]]) -> list[Knot] | None:
    """Return the knots for pairs of score and mark, None when they do not rise."""
    try:
        return fit_mapping([score for score, _ in pairs], [mark for _, mark in pairs])
    except InputError:
        return None


@given(PAIRS, PERCENT, PERCENT)
def test_a_mapping_never_reorders(pairs: list[tuple[float, float]], one: float, other: float) -> None:
    """Whatever it was fitted on, the higher of two scores never becomes the lower one, and stays within 0 to 100."""
    knots = fitted(pairs)
    if knots is None:
        return
    low, high = sorted((one, other))

    assert 0 <= map_score(knots, low) <= map_score(knots, high) <= 100


@given(PAIRS)
def test_knots_rise_on_both_sides(pairs: list[tuple[float, float]]) -> None:
    """So scores between the outer knots stay different from each other, and any fit can be kept as a calibration."""
    knots = fitted(pairs)
    if knots is None:
        return

    assert knots == sorted(knots)
    assert len({x for x, _ in knots}) == len({y for _, y in knots}) == len(knots)
    assert calibration(knots=knots).knots == knots


def test_the_fit_is_the_isotonic_one_in_the_middle_of_its_steps() -> None:
    """Each knot has the value that scikit-learn's isotonic regression gives, at the mean score of its step."""
    scores = [10.0, 20, 30, 40, 50, 60, 70, 80, 90, 95]
    marks = [5.0, 15, 10, 30, 60, 55, 50, 80, 90, 90]

    knots = fit_mapping(scores, marks)

    stairs = IsotonicRegression().fit(scores, marks).predict(scores)
    assert knots == [(10, 5), (25, 12.5), (40, 30), (60, 55), (80, 80), (92.5, 90)]
    assert sorted({y for _, y in knots}) == pytest.approx(sorted(set(stairs)))


def test_equal_scores_count_as_their_mean_mark() -> None:
    """Ties need no order: ten answers at two scores give two knots."""
    knots = fit_mapping([20.0] * 5 + [80.0] * 5, [0.0, 10, 20, 30, 40, 60, 70, 80, 90, 100])

    assert knots == [(20, 20), (80, 80)]


def test_scores_beyond_the_data_keep_the_outer_value() -> None:
    """Nothing is invented where there was no answer."""
    knots = [(20.0, 30.0), (60.0, 70.0)]

    assert [map_score(knots, score) for score in (0, 20, 40, 60, 100)] == [30, 30, 50, 70, 70]


def test_marks_that_do_not_rise_with_the_scores_make_no_mapping() -> None:
    """A judge that orders answers the wrong way round cannot be repaired by stretching its scale."""
    with pytest.raises(InputError, match="do not rise with the judge's scores"):
        fit_mapping([float(n) for n in range(10)], [float(-n) + 50 for n in range(10)])


def test_a_few_answers_make_no_mapping() -> None:
    """Nine answers are refused."""
    with pytest.raises(InputError, match="cannot be fitted on 9 answers"):
        fit_mapping([1.0] * 9, [1.0] * 9)


@given(st.sets(st.text(max_size=3), max_size=9), st.integers(0, 3))
def test_a_half_of_the_questions_is_fitted_on(questions: set[str], seed: int) -> None:
    """The larger half, and the seed alone decides."""
    fit = fit_half(questions, seed)

    assert fit <= questions
    assert len(fit) == (len(questions) + 1) // 2
    assert fit_half(sorted(questions, reverse=True), seed) == fit


def test_applying_maps_score_interval_and_gains() -> None:
    """All numbers that people see together are on the user's scale, and the receipt names the calibration."""
    before = dicom_assessment()
    assert before.score is not None
    assert before.interval is not None

    after = apply_calibration(before, calibration())

    assert after.score == pytest.approx(50 + before.score / 2, abs=0.06)
    assert after.interval == pytest.approx([50 + end / 2 for end in before.interval], abs=0.06)
    assert [item.gain for item in after.improvements] == pytest.approx(
        [item.gain / 2 for item in before.improvements], abs=0.06
    )
    assert after.receipt.calibration == "mine"
    assert after.criteria == before.criteria
    assert after.warnings == before.warnings
    assert Assessment.model_validate_json(after.to_json()) == after


def test_a_gain_cannot_lead_beyond_the_best_mark() -> None:
    """Near the top of the mapping the promise shrinks with it."""
    top = calibration(knots=[(0.0, 0.0), (dicom_assessment().score or 0.0, 90.0)])

    after = apply_calibration(dicom_assessment(), top)

    assert after.score == 90
    assert {item.gain for item in after.improvements} == {0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "another-model"}, "instead of another-model"),
        ({"judge": "another"}, "method"),
        ({"prompt_version": "0+old"}, "prompts"),
        ({"scoring_rule": 1}, "scoring rule"),
    ],
)
def test_a_calibration_for_another_judge_warns(change: dict[str, object], words: str) -> None:
    """The score is mapped all the same, and the warning says what differs."""
    after = apply_calibration(dicom_assessment(), calibration(**change))

    (warning,) = [w for w in after.warnings if w.code == "calibration_mismatch"]
    assert words in warning.message


def test_an_answer_without_a_score_stays_as_it_is() -> None:
    """There is nothing to map, and no calibration to claim."""
    unscored = dicom_assessment().model_copy(update={"score": None, "interval": None})

    assert apply_calibration(unscored, calibration()) is unscored


def test_a_calibration_is_applied_once() -> None:
    """Applying it again changes nothing; another one on top is refused."""
    once = apply_calibration(dicom_assessment(), calibration())

    assert apply_calibration(once, calibration()) is once
    with pytest.raises(InputError, match="already mapped by the calibration 'mine'"):
        apply_calibration(once, calibration(name="other"))


@pytest.mark.parametrize(
    "knots", [[(0, 50), (0, 60)], [(0, 50), (10, 40)], [(0, 50)], [(0, -1), (1, 2)], [(0, 0), (101, 5)]]
)
def test_knots_that_do_not_rise_are_no_calibration(knots: list[Knot]) -> None:
    """A damaged or hand-edited file cannot turn scores round."""
    with pytest.raises(ValueError, match="knots"):
        calibration(knots=knots)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a data directory of its own."""
    directory = tmp_path / "data"
    monkeypatch.setenv("COACH_DATA_DIR", str(directory))
    return directory


def test_a_saved_calibration_is_loaded_by_its_name(data_dir: Path) -> None:
    """What comes back is what was kept, from a file that says what it is."""
    path = save_calibration(calibration())

    assert path == data_dir / "calibrations" / "mine.json"
    assert load_calibration("mine") == calibration()
    content = json.loads(path.read_text())
    assert content["schema"] == "coach/calibration@1"
    assert set(content) == {
        "schema", "name", "judge", "model", "prompt_version", "scoring_rule", "created_at", "n", "scale", "knots",
    }  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_only_its_user_can_read_it() -> None:
    """Marks are private: the file has mode 0600 and its folder 0700."""
    path = save_calibration(calibration())

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_saving_again_replaces_the_old_one(data_dir: Path) -> None:
    """A name stands for its newest calibration, and no other file is left behind."""
    save_calibration(calibration())
    save_calibration(calibration(n=99))

    assert load_calibration("mine").n == 99
    assert [path.name for path in (data_dir / "calibrations").iterdir()] == ["mine.json"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    """The hint helps with a typing error, or says how to make the first one."""
    with pytest.raises(InputError, match="there is no calibration 'mine'") as none_yet:
        load_calibration("mine")
    save_calibration(calibration(name="one"))
    save_calibration(calibration(name="another"))
    with pytest.raises(InputError) as some:
        load_calibration("mine")

    assert "coach calibrate GOLD --save NAME" in none_yet.value.hint
    assert some.value.hint == "Known: another, one."


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "A", "a b", "-a", "a..b", "con", "nul.x", "x" * 61, "ä"]
)
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    """Names are plain on every system; neither reading nor writing goes elsewhere."""
    for use in (check_name, load_calibration):
        with pytest.raises(InputError, match="cannot be the name of a calibration"):
            use(name)


@given(st.text(max_size=8))
def test_every_accepted_name_stays_in_the_folder(name: str) -> None:
    """Whatever is accepted is one path component."""
    try:
        path = save_calibration(calibration(name=name))
    except InputError:
        return
    assert path.parent.name == "calibrations"
    assert path.name == f"{name}.json"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema": "coach/calibration@9"}'])
def test_a_damaged_file_is_told(content: str) -> None:
    """The error names the file and how to make it again."""
    path = save_calibration(calibration())
    path.write_text(content)

    with pytest.raises(InputError, match="not a calibration") as raised:
        load_calibration("mine")

    assert str(path) in raised.value.message


def test_a_file_that_is_no_text_is_told() -> None:
    """Bytes that are not UTF-8 end in an error for people."""
    path = save_calibration(calibration())
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(StorageError, match="not UTF-8"):
        load_calibration("mine")


def test_a_place_that_cannot_be_written_is_told(data_dir: Path) -> None:
    """A file where the folder should be is an error for people."""
    data_dir.mkdir()
    (data_dir / "calibrations").write_text("")

    with pytest.raises(StorageError, match="cannot be made"):
        save_calibration(calibration())
