"""What the report on one answer and the comparison show alike: notices, and the next steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """Something to know about the answer or its judging: a heading and kind sentences."""

    title: str
    messages: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One improvement: what to do, the author's advice, and what it can bring (empty without numbers)."""

    number: int
    verb: str
    criterion: str
    advice: str
    gain: str

    @property
    def heading(self) -> str:
        """What to do, where, and what it brings, on one line."""
        return " · ".join(part for part in (self.verb, self.criterion, self.gain) if part)
