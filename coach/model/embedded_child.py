"""The process that serves a GGUF model on loopback: ``python -m coach.model.embedded_child``.

It is started by ``embedded_server`` and talks to it over two pipes. Standard input brings one line of JSON (see
``Settings``) and then stays open: its end means that the parent is gone, and this process ends at once. The API key
comes this way because arguments and environment can be read by other processes. Standard output takes one line of
JSON, ``{"address": "http://127.0.0.1:PORT"}`` or ``{"error": "..."}``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any, BinaryIO, TypedDict


class Settings(TypedDict):
    """What the parent asks for; ``context`` is in tokens."""

    model: str
    alias: str
    api_key: str
    threads: int
    context: int


def main() -> None:
    """Serve until standard input ends."""
    # Ctrl-C in a terminal reaches every process of the group; the parent decides when serving ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Everything else that writes to standard output writes to nowhere.
    reply = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    line = sys.stdin.buffer.readline()
    if not line:
        os._exit(0)
    watcher = threading.Thread(target=_end_with_parent, daemon=True)
    watcher.start()
    try:
        # The GIL is held while the model loads. A parent that dies meanwhile is noticed right after: the watcher
        # gets its turn, and the reply below has no reader.
        server = _serve(json.loads(line))
    except (ImportError, RuntimeError) as error:
        _say(reply, {"error": str(error)})
        os._exit(1)
    # Requests hold answers, and what the server may say about them is nobody's business.
    os.dup2(nowhere, 2)
    _say(reply, {"address": server.listening_address})
    watcher.join()


def _serve(settings: Settings) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["alias"]}
    params.api_keys = [settings["api_key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    # Nothing but the API: no pages, no view of other requests, no access from a browser's other tabs.
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = ""
    # 1 = errors only: silent while all is well, and a load that fails says why.
    params.verbosity = 1
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.n_parallel = 1
    params.n_ctx = settings["context"]
    params.fit_params = False
    params.warmup = False
    # Each slot keeps its last prompt; the additional cache would take up to 8 GB.
    params.cache_prompt = True
    params.cache_ram_mib = 0
    return xllamacpp.Server(params)


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    # No clean-up: ending the server in order can hang, and it owns nothing but memory.
    os._exit(0)


def _say(pipe: BinaryIO, reply: dict[str, str]) -> None:
    try:
        pipe.write(json.dumps(reply).encode() + b"\n")
        pipe.close()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
