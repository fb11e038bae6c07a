"""What a content-free sentence gets for each check: measured once per prompt and model, then kept in a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from coach.errors import StorageError
from coach.files import cache_directory, replacing

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "baselines.json"


class BaselineFile:
    """Baselines by key (a hash of model and prompt), in the cache directory and, for the shipped bank, in the package.

    An unreadable or unwritable cache is no error: the values are then measured again.
    """

    def __init__(self, path: Path, shipped: Mapping[str, float]) -> None:
        self._path = path
        self._shipped = shipped
        self._known = _read(path)

    @classmethod
    def open(cls) -> BaselineFile:
        """Open the file in the user's cache directory."""
        return cls(cache_directory() / "baselines.json", _read(SHIPPED))

    def get(self, key: str) -> float | None:
        """Return the kept value, or None."""
        return self._known.get(key, self._shipped.get(key))

    def put(self, values: Mapping[str, float]) -> None:
        """Keep values; merged with what another process wrote meanwhile, replaced atomically."""
        self._known = {**_read(self._path), **self._known, **values}
        with suppress(StorageError, OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as path:
                path.write_text(json.dumps(self._known, sort_keys=True), encoding="utf-8")


def _read(path: Path) -> dict[str, float]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    numbers = {key: float(value) for key, value in data.items() if type(value) in (int, float)}
    return {key: value for key, value in numbers.items() if math.isfinite(value)}
