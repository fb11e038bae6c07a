"""A provider with a Batch API on loopback: real HTTP, for tests only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from faulty_server import completion

#: Gives the output line's ``response`` and ``error`` for a request line; None: the job expires before it.
Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


def sound(line: dict[str, Any]) -> dict[str, Any] | None:
    """Answer a request line as it should be."""
    body = json.loads(completion(line["body"]))
    return {"response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}


class BatchProvider:
    """Files, batches, and the requests that came in; ``lose_create`` breaks the connection after starting a batch."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.chats = 0
        self.answer: Answer = sound
        self.status = "completed"
        self.lose_create = False
        self.url = ""

    def lines(self) -> list[dict[str, Any]]:
        """Return all request lines of all batches."""
        return [
            json.loads(line)
            for batch in self.batches.values()
            for line in self.files[batch["input_file_id"]].decode().splitlines()
        ]

    def finish(self) -> None:
        """Bring every batch that is in progress to its end."""
        for batch in self.batches.values():
            if batch["status"] != "in_progress":
                continue
            good: list[str] = []
            bad: list[str] = []
            for text in self.files[batch["input_file_id"]].decode().splitlines():
                line = json.loads(text)
                answer = self.answer(line)
                if answer is not None:
                    ok = answer["response"] and answer["response"]["status_code"] == 200
                    (good if ok else bad).append(json.dumps({"id": "x", "custom_id": line["custom_id"], **answer}))
            batch["status"] = self.status
            batch["request_counts"] = {"total": len(good) + len(bad), "completed": len(good), "failed": len(bad)}
            for name, found in (("output_file_id", good), ("error_file_id", bad)):
                if found:
                    batch[name] = self.keep("\n".join(found).encode())

    def keep(self, content: bytes) -> str:
        """Keep a file and return its id."""
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name

    def start(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Start a batch."""
        name = f"batch-{len(self.batches) + 1}"
        self.batches[name] = {
            "id": name, "object": "batch", "status": "in_progress", "created_at": 1, "completion_window": "24h",
            "endpoint": wanted["endpoint"], "input_file_id": wanted["input_file_id"], "metadata": wanted["metadata"],
            "output_file_id": None, "error_file_id": None, "errors": None, "request_counts": None,
        }  # fmt: skip
        return self.batches[name]


class ProviderServer(ThreadingHTTPServer):
    """The server of one provider."""

    daemon_threads = True

    def __init__(self, provider: BatchProvider) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.provider = provider


class Handler(BaseHTTPRequestHandler):
    """Speaks for the provider that the server holds."""

    server: ProviderServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Show batches and files."""
        path = self.path.split("?")[0].removeprefix("/v1/")
        if path == "batches":
            newest = list(reversed(self.server.provider.batches.values()))
            self._json({"object": "list", "data": newest, "has_more": False})
        elif path.endswith("/content"):
            self._send(self.server.provider.files[path.split("/")[1]])
        else:
            self._json(self.server.provider.batches[path.split("/")[1]])

    def do_POST(self) -> None:
        """Take files, batches and chats."""
        content = self.rfile.read(int(self.headers["content-length"]))
        path = self.path.removeprefix("/v1/")
        if path == "files":
            start = content.index(b"\r\n\r\n", content.index(b'name="file"')) + 4
            name = self.server.provider.keep(content[start : content.index(b"\r\n--", start)])
            self._json({"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "f",
                        "purpose": "batch", "status": "processed"})  # fmt: skip
        elif path == "batches":
            batch = self.server.provider.start(json.loads(content))
            if self.server.provider.lose_create:
                self._send(b'{"error": {"message": "lost"}}', 400)
            else:
                self._json(batch)
        else:
            self.server.provider.chats += 1
            message = {"role": "assistant", "content": '{"colour_of_the_day": "violet"}'}
            self._json({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                        "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})  # fmt: skip

    def _json(self, data: dict[str, Any]) -> None:
        self._send(json.dumps(data).encode())

    def _send(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def batch_provider() -> Iterator[BatchProvider]:
    """Run a provider for the block."""
    provider = BatchProvider()
    server = ProviderServer(provider)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
