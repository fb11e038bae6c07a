"""What content-free words get for each check: measured once per prompt and model, then kept in a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from coach.errors import StorageError
from coach.files import DATA, cache_directory, write_whole

SHIPPED = DATA / "baselines.json"


class Baselines:
    """Baselines by key (a hash of model and prompt), kept in a file or, without one, as long as the process lives.

    An unreadable or unwritable file is no error: the values are then measured again.
    """

    def __init__(self, path: Path | None = None, shipped: Mapping[str, float] | None = None) -> None:
        self._path = path
        self._known = {**(shipped or {}), **(_read(path) if path else {})}

    @classmethod
    def open(cls) -> Self:
        """Open the file in the user's cache directory; for the shipped bank there are values in the package."""
        return cls(cache_directory() / "baselines.json", _read(SHIPPED))

    def get(self, key: str) -> float | None:
        """Return the kept value, or None."""
        return self._known.get(key)

    def put(self, values: Mapping[str, float]) -> None:
        """Keep values, beside what another process kept meanwhile."""
        self._known.update(values)
        if self._path is None:
            return
        with suppress(StorageError, OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps({**_read(self._path), **values}, sort_keys=True))


def _read(path: Path) -> dict[str, float]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    numbers = {key: float(value) for key, value in data.items() if type(value) in (int, float)}
    return {key: value for key, value in numbers.items() if math.isfinite(value)}
