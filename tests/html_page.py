"""Reading HTML reports strictly, for tests of the pages."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser

_VOID = {"meta", "br"}


class Page(HTMLParser):
    """Reads a page strictly: its tags, attributes and text; wrongly nested tags fail."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        """The visible text on one line."""
        return " ".join("".join(self.texts).replace("\u2060", "").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and what it carries."""
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that the tag closed is the one opened last."""
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text, but not the style sheet."""
        if "style" not in self.open:
            self.texts.append(data)


def without_style(html: str) -> str:
    """Return a page without its style sheet and the sheet's hash."""
    page = re.sub(r"<style>.*?</style>", "<style></style>", html, flags=re.DOTALL)
    return re.sub("sha256-[^']*", "sha256-", page)


def assert_self_contained(html: str) -> None:
    """The policy allows the page's own style sheet by its hash and nothing else, and nothing else is used."""
    page = Page(html)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()

    policy = [value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value]
    assert policy == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert not page.tags.keys() & {"script", "link", "img", "iframe", "object", "base", "form", "use"}
    names = {name for _, name, _ in page.attributes}
    assert names.isdisjoint({"style", "src", "srcset", "xlink:href"})
    assert not any(name.startswith("on") for name in names)
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert not re.search(r"url\(|@import", style[1])
