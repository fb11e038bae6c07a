"""The templates of the HTML pages, all of them strict, escaping, and with their style sheet inside."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from coach.report.words import SIGNS

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def page_template(name: str, *style_sheets: str) -> Template:
    """Return the template of a page that knows its style sheets (``css``), their hash (``css_hash``) and ``signs``.

    With the hash, the page's content security policy allows these style sheets and nothing else. What a template
    names and is not given is an error; what it is given is escaped.
    """
    from markupsafe import Markup

    css = "".join((_TEMPLATES / sheet).read_text(encoding="utf-8") for sheet in style_sheets)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    # Our own files are not escaped.
    return _environment().get_template(name, globals={"css": Markup(css), "css_hash": digest, "signs": SIGNS})


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
