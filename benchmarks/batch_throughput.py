"""How fast a batch is beside a bare loop: both at 64 requests in flight, at a local stub that answers at once.

Usage: python benchmarks/batch_throughput.py [ROWS] [ROUNDS]     (defaults 5000 and 3)

The bare loop is what somebody would write with AsyncOpenAI: 64 workers that send the very requests of the batch with
``chat.completions.create``, and do nothing with the replies. The batch inside the process does everything that `coach
batch` does from the rows to the results in the store; the whole command is a process of its own, with its start, the
reading of a CSV file, and all reports. The stub runs in a process of its own. Runs alternate; the medians are compared.
Targets: at least 0.9 of the bare loop inside the process, and 0.85 by the whole command.
"""

from __future__ import annotations

import asyncio
import csv
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

IN_FLIGHT = 64
TARGET, WHOLE_TARGET = 0.9, 0.85


def completion_response(content: str) -> bytes:
    """Return the HTTP response with a chat completion."""
    text = json.dumps(
        {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
            ],
            "usage": {"prompt_tokens": 1500, "completion_tokens": 500, "total_tokens": 2000},
        }
    ).encode()  # fmt: skip
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    return head.encode() + text


class Stub(asyncio.Protocol):
    """Answers every request with a reply that meets each check of its schema; replies are kept by schema."""

    replies: ClassVar[dict[bytes, bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._received += data
        while True:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._received[:end].lower()
            start = head.index(b"content-length:") + 15
            length = int(head[start:].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            body = self._received[end + 4 : end + 4 + length]
            self._received = self._received[end + 4 + length :]
            self._transport.write(self._reply(body))

    def _reply(self, body: bytes) -> bytes:
        # What tells one question from another stands in the schema, at the end of the body.
        key = body[body.rfind(b'"json_schema"') :]
        if key not in self.replies:
            schema = json.loads(body)["response_format"]["json_schema"]["schema"]["properties"]
            verdict = {"reason": "The answer says so in its first sentence.", "sentences": [1], "verdict": "met"}
            checks = dict.fromkeys(schema["checks"]["properties"], verdict)
            content = {
                "grader_talk": {"present": "no", "sentences": []},
                "checks": checks,
                "follow_up": "?",
                "outline": "-",
            }
            self.replies[key] = completion_response(json.dumps(content))
        return self.replies[key]


def serve(ports: Queue[int]) -> None:
    """Run the stub for ever."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def rows(count: int) -> Iterator[Any]:
    """Yield answers of usual length to all questions of the shipped bank, question by question; no sentence twice."""
    from assessment_factory import ANSWER, shipped_bank

    from coach.batch.rows import AnswerRow

    ids = [question.id for question in shipped_bank().questions]
    for number in range(count):
        answer = ANSWER.replace(".", f" in case {number}.")
        yield AnswerRow(f"row-{number}", None, ids[number * len(ids) // count], answer, "rows", number)


async def batch(url: str, count: int) -> float:
    """Return the rows a second of a batch, from rows to results; importing packages does not count."""
    import openai.resources.chat  # noqa: F401
    from assessment_factory import shipped_bank

    from coach.batch.grade import Grader
    from coach.batch.rows import RowKeys
    from coach.batch.store import Store
    from coach.batch.workers import prepare_ahead, usable_processes
    from coach.model.openai_client import OpenAIChatModel
    from coach.model.pace import FixedLimit, PacedChatModel
    from coach.submit.open import make_assessor

    limit = FixedLimit(IN_FLIGHT)
    with tempfile.TemporaryDirectory() as name, Store.open(Path(name)) as store:
        async with OpenAIChatModel("stub", url, None, max_retries=0, many=True) as model:
            assessor = make_assessor(shipped_bank(), PacedChatModel(model, limit), "structured")
            given = list(rows(count))
            assessor.prepare(shipped_bank().questions[0], given[0].answer)
            began = time.perf_counter()
            store.take_in(given, RowKeys(assessor.bank, assessor.judge).of)
            processes = usable_processes()
            ahead = partial(prepare_ahead, assessor, processes) if processes else None
            run = await Grader(assessor, store, limit, prepare_ahead=ahead).run()
            seconds = time.perf_counter() - began
    assert run.tally.judged == count, run
    return count / seconds


def command(url: str, table: Path) -> float:
    """Return the seconds of the whole command."""
    environment = {**os.environ, "OPENAI_BASE_URL": url, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-c", "from coach.cli.app import main; main()", "batch", str(table), "--model", "stub"]
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        subprocess.run(
            [*program, "--method", "structured", "--concurrency", str(IN_FLIGHT), "--out", out, "--quiet"],
            check=True, env=environment,
        )  # fmt: skip
        return time.perf_counter() - began


def write_table(path: Path, count: int) -> Path:
    """Write the rows as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "question_id", "answer"])
        writer.writerows([row.row_id, row.question_id, row.answer] for row in rows(count))
    return path


def bodies(count: int) -> list[dict[str, Any]]:
    """Return the requests that the batch sends."""
    from assessment_factory import shipped_bank

    from coach.model.dialect import Dialect
    from coach.submit.open import make_assessor

    class Nobody:
        name, endpoint = "stub", "http://127.0.0.1/v1"

    bank = shipped_bank()
    assessor = make_assessor(bank, Nobody(), "structured")  # type: ignore[arg-type]
    questions = {question.id: question for question in bank.questions}
    dialect = Dialect("stub", is_openai=False)
    found = []
    for row in rows(count):
        question = questions[row.question_id]
        task = assessor.task(question, assessor.prepare(question, row.answer))
        found.append(dialect.body(assessor.judge.requests(task)[0]))
    return found


async def bare(url: str, requests: list[dict[str, Any]]) -> float:
    """Return the requests a second of a bare loop."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="none", base_url=url) as client:
        waiting = iter(requests)

        async def work() -> None:
            for body in waiting:
                await client.chat.completions.create(**body)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        return len(requests) / (time.perf_counter() - began)


def main() -> int:
    """Measure all in turn and say whether the targets are met."""
    count, rounds = (
        int(given or usual) for given, usual in zip([*sys.argv[1:], "", ""][:2], ("5000", "3"), strict=True)
    )
    ports: Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ports.get()}/v1"
    requests = bodies(count)
    loops, batches, commands = [], [], []
    with tempfile.TemporaryDirectory() as name:
        table = write_table(Path(name) / "rows.csv", count)
        for _ in range(rounds):
            loops.append(asyncio.run(bare(url, requests)))
            batches.append(asyncio.run(batch(url, count)))
            commands.append(count / command(url, table))
            print(
                f"bare loop {loops[-1]:.0f} requests/s; batch {batches[-1]:.0f} rows/s; "
                f"whole command {commands[-1]:.0f} rows/s",
                flush=True,
            )
    server.terminate()
    met = True
    for what, rates, target in (("batch", batches, TARGET), ("whole command", commands, WHOLE_TARGET)):
        ratio = statistics.median(rates) / statistics.median(loops)
        met &= ratio >= target
        print(f"{what} {ratio:.2f} of the bare loop; target {target}: {'met' if ratio >= target else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
