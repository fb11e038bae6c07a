"""What all pages share: the bank, the engine, the look of a page, and the way from a request to a response."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from coach.bank.questions import Bank, Question
from coach.errors import CoachError, InputError
from coach.history.records import Attempt
from coach.history.store import HistoryStore
from coach.report.document import Document
from coach.report.html import html_body, style_sheet
from coach.submit.assessment import Assessment
from coach.web.engine import Engine
from coach.web.guard import Guard

T = TypeVar("T")
_HERE = Path(__file__).resolve().parent
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass
class Site:
    """One server. Every request finds it by ``request.app[SITE]``. ``batches`` are the directories to look through."""

    bank: Bank
    engine: Engine
    guard: Guard
    show_score: bool = True
    calibrate: Callable[[Assessment], Assessment] = lambda assessment: assessment
    batches: Sequence[Path] = ()
    #: Held while a draft is written: a page that is loaded again shows what it said last.
    saving: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @cached_property
    def static(self) -> dict[str, tuple[bytes, str]]:
        """The files that pages load, by a name that changes with their content, each with its type."""
        files = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir())}
        files["app.css"] = style_sheet().encode() + files["app.css"]
        return {self._named(name, content): (content, _TYPES[Path(name).suffix]) for name, content in files.items()}

    @staticmethod
    def _named(name: str, content: bytes) -> str:
        stem, _, suffix = name.rpartition(".")
        return f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"

    @cached_property
    def batch_names(self) -> list[str]:
        """What the batches are called: as their directories, in full where two are called the same."""
        names = [path.resolve().name for path in self.batches]
        return [name if names.count(name) == 1 else str(path) for name, path in zip(names, self.batches, strict=True)]

    @cached_property
    def _templates(self) -> Environment:
        templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        addresses = {f"{name.split('.')[0]}.{name.rpartition('.')[2]}": name for name in self.static}
        batches = [(f"/batches/{number}", f"Batch {name}") for number, name in enumerate(self.batch_names)]
        templates.globals.update(
            to=self.to,
            static=lambda name: self.to(f"/static/{addresses[name]}"),
            navigation=[("/", "Practise"), ("/history", "History"), *batches],
            show_score=self.show_score,
        )
        return templates

    def to(self, path: str) -> str:
        """Return the address of a page from its path."""
        return f"{self.guard.prefix}{path}"

    def page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Return a page made by a template of ``coach/web/templates``; values are escaped."""
        text = self._templates.get_template(f"{template}.html.j2").render(**values)
        return web.Response(text=text, content_type="text/html", status=status)

    def report(self, document: Document, more: dict[str, Markup] | None = None) -> Markup:
        """Return a report's content for a page; ``more`` goes to the end of its items (see ``piece``)."""
        return Markup(html_body(document, more))

    def piece(self, template: str, **values: Any) -> Markup:
        """Return a piece of a page made by a template."""
        return Markup(self._templates.get_template(f"{template}.html.j2").render(**values))

    def question(self, question_id: str) -> Question:
        """Return a question by its id; raises HTTPNotFound."""
        question = self.bank.by_id().get(question_id)
        if question is None:
            raise web.HTTPNotFound(text="This question is not in the bank.")
        return question

    async def attempts(self, question_id: str | None = None, *, ids: Sequence[int] | None = None) -> list[Attempt]:
        """Return saved attempts at this bank's questions, oldest first; raises StorageError."""

        def read(store: HistoryStore) -> list[Attempt]:
            return store.attempts(question_id=question_id, ids=ids, bank_title=self.bank.title)

        return await self.with_history(read)

    @staticmethod
    async def with_history(work: Callable[[HistoryStore], T]) -> T:
        """Do something with the history, beside the event loop; raises StorageError."""

        def there() -> T:
            with HistoryStore.open() as store:
                return work(store)

        return await asyncio.to_thread(there)


SITE: web.AppKey[Site] = web.AppKey("site", Site)


def redirect(request: web.Request, path: str) -> web.HTTPSeeOther:
    """Return the redirection to a page; raise it."""
    return web.HTTPSeeOther(request.app[SITE].to(path))


async def form_of(request: web.Request) -> dict[str, str]:
    """Return the texts of a posted form, line ends as line feeds; raises HTTPRequestEntityTooLarge."""
    form = await request.post()
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}


async def json_of(request: web.Request) -> dict[str, Any]:
    """Return the object that a script of ours sent; raises HTTPBadRequest."""
    try:
        data = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        data = None
    if not isinstance(data, dict):
        raise web.HTTPBadRequest(text="This is no JSON object.")
    return data


@web.middleware
async def friendly_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what went wrong into a page that says what to do."""
    site = request.app[SITE]
    try:
        return await handler(request)
    except CoachError as error:
        status = 400 if isinstance(error, InputError) else 500
        return site.page("problem", status=status, title=error.message, hint=error.hint)
    except web.HTTPError as error:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        titles = {404: "There is no such page", 413: "This is too large", 405: "This cannot be done here"}
        hint = error.text if error.text and not error.text.startswith(str(error.status)) else ""
        return site.page(
            "problem", status=error.status, title=titles.get(error.status, "This did not work"), hint=hint or ""
        )
    except web.HTTPException:
        raise
    except Exception:
        logging.getLogger(__name__).exception("a page could not be made")
        title = "Something went wrong inside the coach"
        return site.page(
            "problem", status=500, title=title, hint="Your texts are kept. The terminal says where it was."
        )
