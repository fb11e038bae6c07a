"""Tests of coach.answer.decoding."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.answer.decoding import SAMPLE_BYTES, decode, detect_encoding, open_text

WESTERN = "candidate;question_id;answer\nZoë Müller;3;“We don’t share passwords – ever”, it costs 20 € – voilà.\n"
RUSSIAN = "кандидат,question_id,answer\nИван,3,Сначала проверяю архив, потом звоню коллегам.\n"


@pytest.mark.parametrize(
    "codec",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"],
)
def test_the_encodings_of_office_programs_are_read(codec: str) -> None:
    """UTF-8 and UTF-16 with and without a byte-order mark, and Windows-1252, are read as they were written."""
    assert decode(WESTERN.encode(codec)) == WESTERN


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
def test_a_byte_order_mark_decides(codec: str) -> None:
    """The mark itself is not part of the text."""
    assert decode("\ufeffq3\n".encode(codec)) == "q3\n"


def test_another_alphabet_is_detected() -> None:
    """Cyrillic text in its Windows encoding is not read as accented Latin letters."""
    assert decode(RUSSIAN.encode("cp1251") * 3) == RUSSIAN * 3


@pytest.mark.parametrize("text", ["", "a", "é", "naïve", "Don’t", "“"])
def test_short_windows_1252_is_the_likeliest_guess(text: str) -> None:
    """A handful of bytes that are not UTF-8 is taken for Windows-1252."""
    assert decode(text.encode("cp1252")) == text


def test_a_wrong_byte_far_behind_the_sample_is_read_too() -> None:
    """A file that looks like UTF-8 in its sample may hold Windows-1252 later; nothing stops and no letter is lost."""
    data = b"plain text\n" * (SAMPLE_BYTES // 10) + "déjà – fin\n".encode("cp1252") + "déjà – fin\n".encode()

    with open_text(io.BufferedReader(io.BytesIO(data)), detect_encoding(data[:SAMPLE_BYTES])) as text:
        assert text.read().endswith("plain text\ndéjà – fin\ndéjà – fin\n")


def test_a_stray_nul_does_not_make_a_text_utf_16() -> None:
    """Windows-1252 with one NUL keeps its lines."""
    data = "candidate,question_id,answer\nA,1,x\0y “quoted”\n".encode("cp1252")

    assert decode(data).count("\n") == 2


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """Whatever the bytes, reading ends with a text."""
    decode(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_a_line_end_survives_any_other_byte(data: bytes) -> None:
    """Bytes that make no sense never swallow the line end after them (without a mark of UTF-16)."""
    line = re.sub(rb"[\n\0]", b"", data)
    whole = b"candidate,question_id,answer\n" + line + b"\nlast line\n"

    assert decode(whole).endswith("\nlast line\n")
