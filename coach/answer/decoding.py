"""From bytes to text, without losing a row to a wrong guess of the encoding.

A byte-order mark decides; else UTF-8 if a sample is valid UTF-8; else what the detector finds with some confidence
(UTF-16 without a mark, Cyrillic, Japanese ...); else Windows-1252. Text read as UTF-8 or Windows-1252 is decoded
piece by piece: valid UTF-8 as such, any other byte as Windows-1252, since exports mix the two.
"""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import Any

SAMPLE_BYTES = 65_536

#: For Western European texts the detector's confidence lies near 0.1 whatever the truth, and Windows-1252 is the
#: likeliest; Windows-1250 for Polish or Windows-1251 for Russian comes with 0.19 and more.
_MIN_CONFIDENCE = 0.15
_MIXED = "coach-windows-1252"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte-order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


@dataclass(frozen=True)
class TextEncoding:
    """How to decode a file, and the encoding's name for people."""

    name: str
    codec: str
    errors: str


def detect_encoding(sample: bytes) -> TextEncoding:
    """Return the encoding of a file that begins with ``sample``."""
    for mark, codec, name in _MARKS:
        if sample.startswith(mark):
            return TextEncoding(name, codec, _MIXED if codec == "utf-8-sig" else "replace")
    # UTF-16 of English text is valid UTF-8 with a NUL beside every letter.
    if b"\0" not in sample and _decodes(sample, "utf-8"):
        return TextEncoding("UTF-8", "utf-8", _MIXED)
    found = _utf_16(sample) or _guess(sample)
    if found:
        return TextEncoding(found.upper(), found, "replace")
    return TextEncoding("UTF-8" if _decodes(sample, "utf-8") else "Windows-1252", "utf-8", _MIXED)


def open_text(binary: io.BufferedReader[Any], encoding: TextEncoding) -> io.TextIOWrapper:
    """Return the text of an open binary file; line ends stay as they are, bytes that make no sense are replaced."""
    return io.TextIOWrapper(binary, encoding=encoding.codec, errors=encoding.errors, newline="")


def decode(data: bytes) -> str:
    """Return the text of a whole small file."""
    encoding = detect_encoding(data[:SAMPLE_BYTES])
    return data.decode(encoding.codec, encoding.errors)


def _utf_16(sample: bytes) -> str | None:
    """Return the byte order of UTF-16 that shows by its NULs, one beside every ASCII character."""
    first, second = sample[::2].count(0), sample[1::2].count(0)
    if first + second < len(sample) / 10 or len(sample) % 2:
        return None
    codec = "utf-16-le" if second > first else "utf-16-be"
    return codec if min(first, second) <= max(first, second) / 10 and _keeps_lines(sample, codec) else None


def _guess(sample: bytes) -> str | None:
    import chardet

    found = chardet.detect(sample)
    codec, confidence = found["encoding"], found["confidence"]
    if codec is None or confidence < _MIN_CONFIDENCE:
        return None
    codec = codec.lower()
    if codec in ("ascii", "utf-8", "utf-8-sig", "windows-1252", "iso-8859-1", "iso-8859-15"):
        return None
    return codec if _decodes(sample, codec) and _keeps_lines(sample, codec) else None


def _keeps_lines(sample: bytes, codec: str) -> bool:
    # Windows-1252 with a stray NUL can pass for UTF-16, which would glue all its lines together.
    text = sample.decode(codec, "replace")
    return b"\n" not in sample or "\n" in text


def _decodes(sample: bytes, codec: str) -> bool:
    try:
        # The sample may end inside a character.
        codecs.getincrementaldecoder(codec)().decode(sample, final=False)
    except (UnicodeError, LookupError):
        return False
    return True


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    # Five bytes have no meaning in Windows-1252.
    return wrong.decode("cp1252", "replace"), error.end


codecs.register_error(_MIXED, _as_windows_1252)
