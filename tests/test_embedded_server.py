"""The embedded model's child process serves on loopback, keeps its key to itself, and never outlives its parent.

What concerns the life of the child is shown with a stand-in for xllamacpp, the rest with the real model (skipped
where the ``local`` extra is not installed).
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from coach.errors import EmbeddedModelError
from coach.model.embedded_server import EmbeddedServer, Endpoint

ROOT = Path(__file__).resolve().parent.parent
#: The longest that anything here may take; reached only when a test fails.
PATIENCE = 60.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes the way Linux shows them")

FAKE = """
import ctypes, json, os, signal, sys
from types import SimpleNamespace

def plain(value):
    return list(value) if isinstance(value, set) else vars(value)

class CommonParams(SimpleNamespace):
    def __init__(self):
        super().__init__(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())

class Server:
    def __init__(self, params):
        mode, _, argument = os.environ["FAKE_MODE"].partition(":")
        self.listening_address = "http://127.0.0.1:9"
        if mode == "load":
            with open(argument, "w") as fifo:  # opens when the test reads it
                fifo.write("loading")
            ctypes.PyDLL(None).usleep(400_000)  # PyDLL keeps the GIL, as the real constructor does
        elif mode == "stuck":
            ctypes.PyDLL(None).sleep(600)
        elif mode == "refuse":
            print("0.00.004.063 E gguf_init: the header cannot be read", file=sys.stderr)
            print("0.00.004.352 E cmn  common_init_: failed to load model", file=sys.stderr)
            raise RuntimeError("Failed to init server, please check the input params.")
        elif mode == "silent":
            raise RuntimeError("Failed to init server, please check the input params.")
        elif mode == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif mode == "record":
            os.write(1, b"noise from native code\\n")
            with open(argument, "w") as output:
                json.dump(vars(params), output, default=plain)
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a file that looks like a model."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF and more")
    return path


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let parent and child find a stand-in for xllamacpp; its behaviour is chosen with FAKE_MODE."""
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "xllamacpp.py").write_text(FAKE, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("FAKE_MODE", "ok")
    return monkeypatch


def ends(handle: int) -> bool:
    """Wait until the process behind a pidfd has ended."""
    try:
        return bool(select.select([handle], [], [], PATIENCE)[0])
    finally:
        os.close(handle)


def gone(pid: int) -> bool:
    """Return whether no process (not even an unreaped one) has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


PARENT = """
    import asyncio, sys
    from pathlib import Path
    from coach.model.embedded_server import EmbeddedServer
    servers = [EmbeddedServer.start(Path(sys.argv[1]), context=256) for _ in range(int(sys.argv[3]))]
    if sys.argv[2] == "ready":
        for server in servers:
            asyncio.run(server.ready())
    print(*(server.process.pid for server in servers), flush=True)
    sys.stdin.readline()
"""


def start_parent(model: Path, stage: str, children: int) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a process that starts children; return it and the children's pidfds."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(model), stage, str(children)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    handles = [os.pidfd_open(int(pid)) for pid in process.stdout.readline().split()]
    assert len(handles) == children
    return process, handles


def kill_parent(process: subprocess.Popen[str]) -> None:
    """End a parent so that it can clean nothing up."""
    process.kill()
    process.communicate()


async def test_starting_returns_at_once_and_closing_does_not_wait(fake: pytest.MonkeyPatch, model: Path) -> None:
    """A model that never finishes loading blocks neither `start` nor `ready` nor `close`."""
    fake.setenv("FAKE_MODE", "stuck")
    with EmbeddedServer.start(model) as server:
        with pytest.raises(EmbeddedModelError, match=r"not ready after 0\.2 seconds"):
            await server.ready(0.2)
        assert server.process.poll() is None
    assert server.process.poll() is not None


@linux
async def test_waiting_asynchronously_gives_up_and_can_be_repeated(fake: pytest.MonkeyPatch, model: Path) -> None:
    """One waiter's time-out does not spoil the server for the next one."""
    fifo = model.with_name("fifo")
    os.mkfifo(fifo)
    fake.setenv("FAKE_MODE", f"load:{fifo}")
    with EmbeddedServer.start(model) as server:
        with pytest.raises(EmbeddedModelError, match="not ready"):
            await server.ready(0.05)
        fifo.read_text()
        endpoint = await server.ready(PATIENCE)
    assert endpoint.base_url == "http://127.0.0.1:9/v1"


async def test_tells_the_child_everything_and_the_outside_nothing(fake: pytest.MonkeyPatch, model: Path) -> None:
    """The server is private, silent and sized as asked; native chatter does not disturb the reply."""
    record = model.with_name("record.json")
    fake.setenv("FAKE_MODE", f"record:{record}")
    with EmbeddedServer.start(model, context=1000, threads=5) as server:
        endpoint = await server.ready(PATIENCE)
    settings = json.loads(record.read_text())
    assert settings == {
        "model": {"path": str(model)},
        "model_alias": ["tiny"],
        "api_keys": [endpoint.api_key],
        "hostnames": ["127.0.0.1"],
        "port": 0,
        "ui": False,
        "endpoint_slots": False,
        "cors_origins": "",
        "verbosity": 1,
        "cpuparams": {"n_threads": 5},
        "cpuparams_batch": {"n_threads": 5},
        "n_parallel": 1,
        "n_ctx": 1000,
        "fit_params": False,
        "warmup": False,
        "cache_prompt": True,
        "cache_ram_mib": 0,
    }
    assert endpoint.model == "tiny"
    assert len(endpoint.api_key) >= 32
    assert endpoint.api_key not in repr(endpoint)


def test_a_file_that_is_not_there_is_refused(model: Path) -> None:
    """A wrong path is an error before any process is started."""
    with pytest.raises(EmbeddedModelError, match="cannot be read") as caught:
        EmbeddedServer.start(model.with_name("other.gguf"))
    assert caught.value.hint


def test_a_file_that_is_no_model_is_refused(model: Path) -> None:
    """A file with another beginning is an error before any process is started."""
    model.write_bytes(b"PK\x03\x04")
    with pytest.raises(EmbeddedModelError, match="not a GGUF model") as caught:
        EmbeddedServer.start(model)
    assert caught.value.hint


def test_without_xllamacpp_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    """A missing package leads to the command that installs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmbeddedModelError, match="not installed") as caught:
        EmbeddedServer.start(model)
    assert "pip install 'answer-feedback-coach[local]'" in caught.value.hint


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("refuse", "loaded: the header cannot be read$"),
        ("silent", "loaded: Failed to init server"),
        ("crash", "ended by signal 9"),
    ],
)
async def test_a_load_that_fails_says_why(fake: pytest.MonkeyPatch, model: Path, mode: str, reason: str) -> None:
    """The first thing llama.cpp logged, else its exception, else the signal reaches the message, with a hint."""
    fake.setenv("FAKE_MODE", mode)
    with EmbeddedServer.start(model) as server:
        with pytest.raises(EmbeddedModelError, match=reason) as caught:
            await server.ready(PATIENCE)
        assert server.process.poll() is not None
    assert caught.value.hint


async def test_an_xllamacpp_that_cannot_be_imported_says_why(fake: pytest.MonkeyPatch, model: Path) -> None:
    """A wheel that lacks a system library is an error with that library's name."""
    (model.parent / "fake" / "xllamacpp.py").write_text("raise ImportError('libgomp.so.1: cannot open')")
    with EmbeddedServer.start(model) as server, pytest.raises(EmbeddedModelError, match=r"libgomp\.so\.1"):
        await server.ready(PATIENCE)


async def test_a_child_that_breaks_unexpectedly_is_quoted(fake: pytest.MonkeyPatch, model: Path) -> None:
    """An error nobody foresaw still reaches the message: the last line of the child's traceback."""
    (model.parent / "fake" / "xllamacpp.py").write_text("class CommonParams: pass")
    with EmbeddedServer.start(model) as server, pytest.raises(EmbeddedModelError, match="AttributeError"):
        await server.ready(PATIENCE)


@linux
async def test_each_child_ends_with_its_own_pipe(fake: pytest.MonkeyPatch, model: Path) -> None:
    """The pipe of an older child is not held open by a younger one: both end by themselves (code 0), in any order."""
    with EmbeddedServer.start(model) as older, EmbeddedServer.start(model) as younger:
        await older.ready(PATIENCE)
        await younger.ready(PATIENCE)
        handle = os.pidfd_open(older.process.pid)
        assert older.process.stdin is not None
        older.process.stdin.close()
        assert ends(handle)
        assert younger.process.poll() is None
    assert older.process.returncode == 0
    assert younger.process.returncode == 0


@linux
async def test_ctrl_c_does_not_reach_the_child(fake: pytest.MonkeyPatch, model: Path) -> None:
    """The child is in a session of its own, and ignores SIGINT besides."""
    with EmbeddedServer.start(model) as server:
        await server.ready(PATIENCE)
        assert os.getsid(server.process.pid) != os.getsid(0)
        status = (Path("/proc") / str(server.process.pid) / "status").read_text()
        ignored = int(re.findall(r"^SigIgn:\s*(\w+)$", status, re.MULTILINE)[0], 16)
        assert ignored >> (signal.SIGINT - 1) & 1


@linux
def test_no_child_is_left_when_the_parent_is_killed(fake: pytest.MonkeyPatch, model: Path) -> None:
    """`kill -9` of a parent with several serving children ends them all."""
    process, handles = start_parent(model, "ready", children=2)
    kill_parent(process)
    assert [ends(handle) for handle in handles] == [True, True]


@linux
def test_no_child_is_left_when_the_parent_is_killed_during_the_load(fake: pytest.MonkeyPatch, model: Path) -> None:
    """A child that could not look, because the load held the GIL, notices the dead parent right after."""
    fifo = model.with_name("fifo")
    os.mkfifo(fifo)
    fake.setenv("FAKE_MODE", f"load:{fifo}")
    process, handles = start_parent(model, "loading", children=1)
    fifo.read_text()
    kill_parent(process)
    assert ends(handles[0])


@pytest.fixture
async def serving(embedded_server: EmbeddedServer) -> tuple[EmbeddedServer, Endpoint]:
    """Return the shared real server and where it is reached."""
    return embedded_server, await embedded_server.ready()


def ask(endpoint: Endpoint, key: str, **more: Any) -> Any:
    """Send one chat request through the client that the coach uses."""
    from openai import OpenAI

    with OpenAI(base_url=endpoint.base_url, api_key=key, max_retries=0, timeout=PATIENCE) as client:
        return client.chat.completions.create(
            model=endpoint.model, messages=[{"role": "user", "content": "Say yes."}], temperature=0, **more
        )


def test_answers_one_request_under_its_local_name(serving: tuple[EmbeddedServer, Endpoint]) -> None:
    """The real model answers through the openai client, with probabilities, under the file's stem."""
    _, endpoint = serving
    reply = ask(endpoint, endpoint.api_key, max_tokens=1, logprobs=True, top_logprobs=5)
    assert reply.choices[0].message.content.lower() == "yes"
    assert len(reply.choices[0].logprobs.content[0].top_logprobs) == 5
    assert endpoint.model == "qwen2.5-coder-1.5b-instruct-q4_k_m"
    assert reply.model == endpoint.model


def test_remembers_the_prompt(serving: tuple[EmbeddedServer, Endpoint]) -> None:
    """A repeated prompt is taken from the cache but for its last token."""
    _, endpoint = serving
    ask(endpoint, endpoint.api_key, max_tokens=1)
    usage = ask(endpoint, endpoint.api_key, max_tokens=1).usage
    assert usage.prompt_tokens_details.cached_tokens >= usage.prompt_tokens - 1


def test_refuses_a_wrong_key(serving: tuple[EmbeddedServer, Endpoint]) -> None:
    """Another user of the machine who finds the port gets nothing."""
    from openai import AuthenticationError

    _, endpoint = serving
    with pytest.raises(AuthenticationError):
        ask(endpoint, "wrong", max_tokens=1)


@linux
def test_listens_on_loopback_only_and_shows_no_key(serving: tuple[EmbeddedServer, Endpoint]) -> None:
    """The child's only listening socket is on 127.0.0.1; the key is neither among its arguments nor its variables."""
    server, endpoint = serving
    process = Path("/proc") / str(server.process.pid)
    sockets = {os.readlink(link) for link in (process / "fd").iterdir() if link.exists() or link.is_symlink()}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in (process / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                listening.append(fields[1])
    port = urlsplit(endpoint.base_url).port
    assert listening == [f"0100007F:{port:04X}"]
    for place in ("cmdline", "environ"):
        assert endpoint.api_key.encode() not in (process / place).read_bytes()


async def test_closing_ends_a_child_that_is_writing(embedded_model: Path) -> None:
    """`close` with a reply half written ends the child without force (code 0) and leaves nothing."""
    from openai import OpenAI

    server = EmbeddedServer.start(embedded_model, context=512)
    endpoint = await server.ready()
    with OpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key, max_retries=0) as client:
        stream = client.chat.completions.create(
            model=endpoint.model, messages=[{"role": "user", "content": "Count to a hundred."}], stream=True
        )
        next(iter(stream))
        server.close()
        stream.close()
    server.close()
    assert server.process.returncode == 0
    assert gone(server.process.pid)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(endpoint.base_url).port or 0), timeout=PATIENCE)


@linux
def test_the_real_child_does_not_outlive_a_killed_parent(embedded_model: Path) -> None:
    """`kill -9` of the parent ends the real server too."""
    process, handles = start_parent(embedded_model, "ready", children=1)
    kill_parent(process)
    assert ends(handles[0])


async def test_a_damaged_model_is_refused_with_llama_s_own_words(embedded_model: Path, tmp_path: Path) -> None:
    """A file that was cut off is an error that says so."""
    damaged = tmp_path / "damaged.gguf"
    with embedded_model.open("rb") as model:
        damaged.write_bytes(model.read(10_000_000))
    with EmbeddedServer.start(damaged) as server, pytest.raises(EmbeddedModelError, match="corrupted or incomplete"):
        await server.ready(PATIENCE)
