"""No encoding of a terminal or a pipe makes the program fail."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.cli.console import never_fail_to_encode


def written(text: str, encoding: str) -> str:
    """Return what standard output of this encoding receives."""
    with pytest.MonkeyPatch.context() as patch:
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", io.StringIO())
        never_fail_to_encode()
        out.write(text)
        content = out.buffer
        assert isinstance(content, io.BytesIO)
        return content.getvalue().decode(encoding)


@given(st.text(), st.sampled_from(["ascii", "cp1252", "latin-1", "utf-8"]))
def test_json_stays_the_same_document_in_every_encoding(text: str, encoding: str) -> None:
    """What the encoding lacks is escaped as JSON escapes it."""
    document = json.dumps({"quote": text}, ensure_ascii=False)

    assert json.loads(written(document, encoding)) == {"quote": text}


def test_what_can_be_shown_is_shown() -> None:
    """Only the other characters are escaped."""
    assert written("≈ 3½ hours", "latin-1") == "\\u2248 3½ hours"
    assert written("≈ 3½ hours", "utf-8") == "≈ 3½ hours"


def test_half_characters_of_a_file_name_are_no_crash() -> None:
    """A name that is no text in the system's encoding can be named in a message."""
    assert written("x\udcff.md", "utf-8") == "x\\udcff.md"
