"""Tests of coach.calibrate.calibration_files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from assessment_factory import dicom_assessment
from gold_factory import calibration
from hypothesis import given
from hypothesis import strategies as st

from coach.calibrate.calibration_files import (
    apply_named_calibration,
    calibration_names,
    calibration_path,
    check_name,
    load_calibration,
    save_calibration,
)
from coach.errors import InputError, StorageError


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
        "schema", "name", "judge", "model", "prompt_version", "created_at", "n", "scale", "knots",
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
    assert calibration_names() == ["another", "one"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "A", "a b", "-a", "a..b", "con", "nul.x", "x" * 61, "ä"]
)
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    """Names are plain on every system; neither reading nor writing goes elsewhere."""
    for use in (check_name, load_calibration, calibration_path):
        with pytest.raises(InputError, match="cannot be the name of a calibration"):
            use(name)


@given(st.text(max_size=8))
def test_every_accepted_name_stays_in_the_folder(name: str) -> None:
    """Whatever is accepted is one path component."""
    try:
        path = calibration_path(name)
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


def test_a_calibration_is_applied_by_name() -> None:
    """One call loads it and maps the assessment."""
    save_calibration(calibration())

    after = apply_named_calibration(dicom_assessment(), "mine")

    assert after.receipt.calibration == "mine"
    assert after.score == 80.6
