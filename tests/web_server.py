"""The pages of ``coach web`` on a real port, with a judge that follows a script, and a browser that has the cookie."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any

import aiohttp
from aiohttp import web
from jinja2.bccache import Bucket, BytecodeCache
from scripted_judge import ScriptedJudge, judged_text
from scripted_model import ScriptedModel

from coach.bank.load import load_bank
from coach.bank.questions import Bank
from coach.judge.judging import Judgement, JudgeTask, OnVerdict
from coach.model.choose import ModelChoice
from coach.model.pace import FixedLimit
from coach.submit.assess import AnswerAssessor
from coach.submit.open import Session, Settings
from coach.web.app import make_app
from coach.web.engine import Engine
from coach.web.guard import Guard
from coach.web.serve import started
from coach.web.site import Site

#: An answer that says one point of ``dicom-standard`` by its word, one that says two, and words that make no point.
GOOD = (
    "DICOM covers the file format and the network protocol between all of our devices. I sent images with it for years."
)
BETTER = f"{GOOD} A CT sends its images to the archive with C-STORE, and a workstation finds them with C-FIND."
PLAIN = "In my hospital we use it every day and everybody is quite happy with how it works for us."
WORDS = {"file-and-network": "network protocol", "transfer-services": "C-STORE"}


def by_words(task: JudgeTask, check: Any) -> float:
    """A point is made (0.9) when its word stands in the answer, else missing (0.05)."""
    word = WORDS.get(check.id)
    return 0.9 if word and word in judged_text(task.answer) else 0.05


@dataclass
class HeldJudge(ScriptedJudge):
    """Waits before each verdict until the test lets it go on with ``go.release()``; ``free`` holds nothing."""

    free: bool = False
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    #: How many answers were begun, and how many of them were stopped.
    begun: int = 0
    stopped: int = 0
    failure: Exception | None = None

    async def judge(self, task: JudgeTask, on_verdict: OnVerdict | None = None) -> Judgement:
        """Judge check by check, each when it is let go."""
        self.begun += 1
        try:
            for check in task.checks if not self.free else ():
                # In the engine's own loop, where nothing of the test can wake it.
                while not (self.free or self.go.acquire(blocking=False)):
                    await asyncio.sleep(0.005)
                one = JudgeTask(task.profession, task.question, task.rubric, (check,), task.answer, task.language)
                await super().judge(one, on_verdict)
            if self.failure:
                raise self.failure
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return await super().judge(task, on_verdict if self.free else None)


class Browser:
    """Sends requests as a browser does: with its cookie, and its Origin where something is changed."""

    def __init__(self, client: aiohttp.ClientSession, site: Site, port: int) -> None:
        self.client, self.site = client, site
        self.origin = f"http://127.0.0.1:{port}"

    def url(self, path: str) -> str:
        """Return the address of a page; one that is whole already stays."""
        return f"{self.origin}{path if path.startswith(self.site.guard.prefix) else self.site.to(path)}"

    async def request(self, method: str, path: str, *, status: int | None = 200, **more: Any) -> tuple[str, str]:
        """Return text and address of what comes at last; ``status`` is what is expected (None: anything)."""
        headers = {
            "Accept": "text/html",
            **({} if method == "GET" else {"Origin": self.origin}),
            **more.pop("headers", {}),
        }
        async with self.client.request(method, self.url(path), headers=headers, **more) as response:
            text = await response.text()
            assert status in (None, response.status), f"{response.status}: {text[:2000]}"
            return text, response.url.path.removeprefix(self.site.guard.prefix)

    async def get(self, path: str, **more: Any) -> str:
        """Return a page's text."""
        return (await self.request("GET", path, **more))[0]

    async def post(self, path: str, **form: str) -> tuple[str, str]:
        """Send a form; return text and path of the page that it leads to."""
        return await self.request("POST", path, data=form)

    async def arrive(self, path: str) -> tuple[str, str]:
        """Ask for a judging as a page without scripts does, until it leads somewhere else."""
        for _ in range(500):
            text, at = await self.request("GET", path)
            if not at.startswith("/judging/") or at.endswith("/report") or "is kept." in text:
                return text, at
            await asyncio.sleep(0.01)
        raise AssertionError("it is never judged")

    async def submit(self, answer: str, question: str = "dicom-standard", **form: str) -> tuple[str, str]:
        """Hand in an answer and wait for where it leads."""
        _, path = await self.post(f"/questions/{question}/attempts", answer=answer, **form)
        return await self.arrive(path)


@cache
def _shipped_bank() -> Bank:
    return load_bank()


class _Compiled(BytecodeCache):
    """Keeps the templates that were compiled for the first site of a run."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@asynccontextmanager
async def running_site(judge: ScriptedJudge | None = None, **site_options: Any) -> AsyncIterator[Site]:
    """Serve the pages; ``site.judge`` and ``site.port`` are for the test. Use it with ``browser_of``."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        bank = site_options.pop("bank", None) or _shipped_bank()
        more: tuple[web.RouteDef, ...] = site_options.pop("more", ())
        site = Site(bank, ScriptedEngine(bank, judge or ScriptedJudge(by_words)), Guard(port), **site_options)
        site._templates.bytecode_cache = _COMPILED
        async with started(make_app(site, *more), sock):
            yield site


class ScriptedEngine(Engine):
    """The engine with a judge that follows a script instead of a model; the rest is the real one."""

    def __init__(self, bank: Bank, judge: ScriptedJudge) -> None:
        super().__init__(Settings(), bank)
        self.judge = judge
        self.opened, self.embedded = 0, False

    async def _session(self) -> Session:
        self.opened += 1
        assessor = AnswerAssessor(self._bank, self.judge, lambda *_: 0.0)
        return Session(ModelChoice(self.embedded, "a test"), ScriptedModel([]), assessor, FixedLimit(1))


@asynccontextmanager
async def browser_of(site: Site) -> AsyncIterator[Browser]:
    """Give a browser that came with the printed link."""
    port = int(site.guard.link.split(":")[2].split("/")[0])
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        browser = Browser(client, site, port)
        async with client.get(site.guard.link) as response:
            assert response.status == 200
        yield browser


def links(page: str) -> list[str]:
    """Return where the links and forms of a page lead."""
    return [unescape(address) for address in re.findall(r'(?:href|action)="([^"]*)"', page)]
