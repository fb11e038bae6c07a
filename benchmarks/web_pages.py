"""How soon ``coach web`` shows verdicts with the embedded model, and whether its pages answer meanwhile.

    python benchmarks/web_pages.py [SECONDS] [QUESTIONS]

Hands in the partial sample answers to QUESTIONS (default 3) questions, one after the other, SECONDS (default 20) after
their pages were opened: so long the model reads while a person writes. A client in another process asks for the home
page four times a second. A timer in the event loop of the pages goes off every 5 ms. When it is late, other programs
may have had the processor; this one held the loop up for no longer than it had the processor itself, and than the
loop's thread did not wait for one (as Linux counts it). That should never be more than 50 ms: the exit code says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from coach.bank.examples import exemplar_answers
from coach.bank.load import load_bank
from coach.submit.open import Settings
from coach.web.app import make_app
from coach.web.engine import Engine
from coach.web.guard import Guard
from coach.web.serve import started
from coach.web.site import Site

MOST = 0.050
TICK = 0.005


def without_processor() -> float:
    """Return the seconds in which this thread was ready to run and others ran; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


@asynccontextmanager
async def ticking() -> AsyncIterator[list[tuple[float, float]]]:
    """Yield how late a timer of this loop was each time, and how long the program itself held it up."""
    delays = [(0.0, 0.0)]

    async def tick() -> None:
        while True:
            due, waited, used = time.perf_counter() + TICK, without_processor(), time.process_time()
            await asyncio.sleep(TICK)
            late = time.perf_counter() - due
            held = min(late - (without_processor() - waited), time.process_time() - used)
            delays.append((late, held))

    task = asyncio.create_task(tick())
    yield delays
    task.cancel()


@contextmanager
def watching() -> Iterator[dict[str, float]]:
    """Yield the longest processor time of each kind of callback of the loop in this thread."""
    longest: dict[str, float] = {}
    run = asyncio.events.Handle._run

    def timed(self: asyncio.Handle) -> None:
        began = time.thread_time()
        run(self)
        seconds = time.thread_time() - began
        if seconds > TICK and threading.current_thread() is threading.main_thread():
            callback: Any = self._callback
            task = getattr(callback, "__self__", None)
            name = repr(task.get_coro()) if isinstance(task, asyncio.Task) else repr(callback)
            name = re.sub(r" at 0x.*", "", name)
            longest[name] = max(longest.get(name, 0.0), seconds)

    asyncio.events.Handle._run = timed  # type: ignore[method-assign]
    try:
        yield longest
    finally:
        asyncio.events.Handle._run = run  # type: ignore[method-assign]


async def client(link: str, writing: float, answers: dict[str, str]) -> None:
    """Hand in the answers and print what was seen, a line of JSON each."""
    origin = link.partition("/open")[0]
    jar, patient = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=patient) as browser:
        async with browser.get(link) as response:
            [home] = re.findall(r'"(/[0-9a-f]{16}/)"', (await response.text()).partition("<title>")[2])
        for question, answer in answers.items():
            print(json.dumps(await hand_in(browser, f"{origin}{home}", question, answer, writing)), flush=True)


async def hand_in(
    browser: aiohttp.ClientSession, home: str, question: str, answer: str, writing: float
) -> dict[str, Any]:
    """Return the seconds to the first verdict and to the report, and the longest wait for a page."""
    page = f"{home}questions/{question}"
    waits = []

    async def look() -> None:
        while True:
            began = time.perf_counter()
            async with browser.get(home) as response:
                await response.read()
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.25)

    async with browser.get(page) as response:
        await response.read()
    await asyncio.sleep(writing)
    looking = asyncio.create_task(look())
    began = time.perf_counter()
    origin = home[: home.index("/", len("http://"))]
    form, headers = {"answer": answer}, {"Origin": origin}
    async with browser.post(f"{page}/attempts", data=form, headers=headers) as response:
        judging = str(response.url)
        await response.read()
    first, verdicts, to = 0.0, 0, ""
    async with browser.get(f"{judging}/events?after=0") as stream:
        name = ""
        async for line in stream.content:
            field, _, value = line.decode().rstrip().partition(": ")
            name = value if field == "event" else name
            if field == "data" and name == "verdict":
                verdicts += 1
                first = first or time.perf_counter() - began
            elif field == "data" and name in ("done", "failed"):
                to = json.loads(value).get("url", "")
                break
    if not to:
        raise SystemExit(f"{question}: not judged")
    async with browser.get(f"{origin}{to}") as response:
        assert response.status == 200
        await response.read()
    seconds = time.perf_counter() - began
    looking.cancel()
    return {"question": question, "first": first, "report": seconds, "verdicts": verdicts, "page": max(waits)}


async def server(writing: float = 20.0, questions: float = 3) -> int:
    """Serve the pages, let the client come, and print what was measured; return 1 when the loop was held up."""
    bank = load_bank()
    given = json.dumps(
        {question.id: exemplar_answers(question.id)["partial"] for question in bank.questions[: int(questions)]}
    )
    with socket.create_server(("127.0.0.1", 0)) as sock:
        site = Site(bank, Engine(Settings("local"), bank), Guard(sock.getsockname()[1]))
        async with started(make_app(site), sock), ticking() as delays:
            with watching() as longest:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, __file__, "--client", site.guard.link, str(writing), given,
                    stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                assert process.stdout
                async for line in process.stdout:
                    seen = json.loads(line)
                    print(
                        f"{seen['question']}: first of {seen['verdicts']} verdicts after {seen['first']:.1f} s, "
                        f"report after {seen['report']:.1f} s, home page within {1000 * seen['page']:.0f} ms meanwhile",
                        flush=True,
                    )
                code = await process.wait()
    late, held = max(late for late, _ in delays), max(held for _, held in delays)
    for name, seconds in sorted(longest.items(), key=lambda item: -item[1])[:5]:
        print(f"{1000 * seconds:.0f} ms of processor time at once: {name}")
    print(f"timer at most {1000 * late:.0f} ms late; event loop held up for {1000 * held:.0f} ms, at most", end=" ")
    print(f"{1000 * MOST:.0f} ms is wanted")
    return code or int(held > MOST)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        asyncio.run(client(sys.argv[2], float(sys.argv[3]), json.loads(sys.argv[4])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["COACH_DATA_DIR"] = folder
            sys.exit(asyncio.run(server(*map(float, sys.argv[1:]))))
