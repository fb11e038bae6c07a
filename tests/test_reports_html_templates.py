"""Tests of coach.report.html_templates."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from coach.report import html_templates
from coach.report.html_templates import page_template


@pytest.fixture(autouse=True)
def templates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Keep templates of the test's own."""
    monkeypatch.setattr(html_templates, "_TEMPLATES", tmp_path)
    html_templates._environment.cache_clear()
    (tmp_path / "look.css").write_text('p { content: "<" }\n')
    (tmp_path / "print.css").write_text("b { color: red }\n")
    (tmp_path / "page.j2").write_text("{{ css }}|{{ css_hash }}|{{ signs['earned'] }}|{{ said }}")
    yield
    html_templates._environment.cache_clear()


def test_a_page_has_its_style_sheets_and_their_hash() -> None:
    """The style sheets follow each other as they are, and the hash is that of all of them."""
    css, digest, sign, _ = page_template("page.j2", "look.css", "print.css").render(said="").split("|")

    assert css == 'p { content: "<" }\nb { color: red }\n'
    assert digest == base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert sign == "✓"


def test_what_a_page_says_is_escaped() -> None:
    """Text from outside cannot become markup."""
    page = page_template("page.j2").render(said="<script>'&")

    assert page.endswith("|&lt;script&gt;&#39;&amp;")


def test_what_a_page_names_must_be_given() -> None:
    """A value that was forgotten is an error, never a gap on the page."""
    with pytest.raises(UndefinedError, match="said"):
        page_template("page.j2").render()
