"""Standard streams that can print every character, whatever encoding the terminal or the pipe has."""

from __future__ import annotations

import codecs
import io
import sys

HANDLER = "coach.escape"


def never_fail_to_encode() -> None:
    """Let standard output and error escape what their encoding lacks, in a way that keeps JSON valid."""
    codecs.register_error(HANDLER, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Return the characters as JSON writes them; outside JSON, too, they say more than question marks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end
