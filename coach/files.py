"""Files written whole and private, the user's two directories, the files that the product ships, optional packages."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coach.errors import ConfigurationError, StorageError

APPLICATION = "answer-feedback-coach"
CACHE_VARIABLE = "COACH_CACHE_DIR"
PACKAGE = Path(__file__).resolve().parent
#: Data that belongs to the code; see `resource` for what people may edit.
DATA = PACKAGE / "data"
#: Import names of the packages of the extra ``calibrate``.
STATISTICS = ("numpy", "scipy")
_ONLY_THE_USER = 0o600
_OTHERS = 0o077


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a new empty file beside ``path``, private to the user, that takes its place at the end.

    Readers see the old content or the whole new one, also after a power cut. When the block fails, ``path`` stays as it
    was and the new file is removed. A link is followed. Raises StorageError, also for an OSError of the block.
    """
    # The file that a link names is replaced, and not the link (such as /dev/stdout) itself.
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise StorageError(f"{path}: not a regular file", "Name a file, not a folder or a device.")
    try:
        # mkstemp makes a file that only the user can read, and never follows or replaces one that is there.
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
        os.close(descriptor)
        try:
            yield Path(name)
            with open(name, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(name, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        if target.parent.is_dir():
            what, hint = _words(error), "Free some space or check the permissions."
        else:
            what, hint = f"there is no folder {target.parent}", "Create the folder first."
        raise StorageError(f"{path}: cannot be written ({what})", hint) from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a private file, whole or not at all, text as UTF-8; an older one is replaced. Raises StorageError."""
    with replacing(path) as new:
        # Half a character costs itself, not the file.
        new.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)


def write_new(folder: Path, prefix: str, suffix: str, content: bytes) -> Path:
    """Write a new private file with a name of its own into the folder, to the disk, and return its path.

    Nothing is left of a file that could not be written whole. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=suffix)
    path = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
    return path


def keep_answer(content: bytes, prefix: str, suffix: str, folder: str = "") -> Path:
    """Write what must not be lost to a new private file in the data directory, else the temporary one; return its path.

    ``folder`` is one inside the data directory. Raises StorageError when neither can be written.
    """
    failures: list[str] = []
    for directory in (data_directory() / folder, Path(tempfile.gettempdir())):
        try:
            if not failures:
                make_private_directory(directory)
            return write_new(directory, prefix, suffix, content)
        except OSError as error:
            failures.append(f"{directory}: {_words(error)}")
    raise StorageError(f"your answer cannot be kept in a file ({'; '.join(failures)})", "Copy it yourself.")


def make_private_directory(directory: Path) -> None:
    """Create the directory, readable by its user only; one that exists keeps its permissions. Raises OSError.

    Permissions of an existing directory are left alone because COACH_DATA_DIR may name any directory, such as a home.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Create the file if needed and take its permissions away from everybody else. Raises OSError.

    SQLite gives its ``-wal`` and ``-shm`` files the permissions of the database.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _ONLY_THE_USER)
    try:
        mode = os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
    if mode & _OTHERS:
        for owned in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if owned.exists():
                owned.chmod(_ONLY_THE_USER)


def data_directory() -> Path:
    """Return the folder for what the user keeps: COACH_DATA_DIR, else the platform's own (it may not exist yet)."""
    chosen = os.environ.get("COACH_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))


def cache_directory() -> Path:
    """Return the folder for what can be made again: COACH_CACHE_DIR, else the user's cache directory."""
    chosen = os.environ.get(CACHE_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir(APPLICATION))


def resource(name: str) -> Path:
    """Return the path of ``questions.yaml``, ``rubrics``, ``prompts`` or ``examples``, which people may edit.

    They lie beside the package in a checkout and inside it in a wheel. Raises StorageError when they are missing.
    """
    for root in (PACKAGE.parent, PACKAGE / "resources"):
        path = root / name
        if path.exists() and (root != PACKAGE.parent or (root / "pyproject.toml").exists()):
            return path
    raise StorageError(f"the installation lacks {name}", "Install the package again.")


def require_statistics() -> None:
    """Raise ConfigurationError with the pip command when statistics cannot be computed; imports nothing heavy."""
    missing = [name for name in STATISTICS if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"comparing a judge with human marks needs {' and '.join(missing)}, which must be installed first",
            "Install it with: pip install 'answer-feedback-coach[calibrate]'",
        )


def _words(error: OSError) -> str:
    return error.strerror or str(error)
