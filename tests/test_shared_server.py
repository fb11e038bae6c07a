"""One embedded server for several processes: who lends it, who waits, who takes it, and whose turn it is."""

from __future__ import annotations

import asyncio
import stat
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from assessment_factory import shipped_bank

from coach.files import data_directory
from coach.model.embedded_server import EmbeddedServer, Endpoint
from coach.model.shared_server import Loan, Turn
from coach.submit.open import Settings, open_session
from coach.web.engine import Engine

ENDPOINT = Endpoint("http://127.0.0.1:1/v1", "a-key", "small")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask often."""
    monkeypatch.setattr("coach.model.shared_server._ASK_SECONDS", 0.01)


async def test_where_nobody_lends_nothing_is_left_behind() -> None:
    """Whoever only asks makes no directory, and two of them do not disturb each other."""
    with Loan(None) as one, Loan(None) as other:
        assert await one.server(None, lend=False) is None
        assert await other.server(None, lend=False) is None

    assert not data_directory().exists()


async def test_others_wait_until_the_model_is_loaded_and_then_use_it() -> None:
    """They are told why they wait; where the server is stands in a file for the user alone, while it lives."""
    told: list[str] = []
    with Loan(None) as host, Loan(None) as guest:
        assert await host.server(None, lend=True) is None
        asking = asyncio.create_task(guest.server(lambda what, *_: told.append(what), lend=True))
        while not told:
            await asyncio.sleep(0.001)
        assert not asking.done()
        host.tell(ENDPOINT)

        assert await asking == ENDPOINT
        assert not guest.lends
        files = list(data_directory().iterdir())
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert "Waiting for the model" in told[0]
    assert [path for path in data_directory().iterdir() if path.suffix == ".json"] == []


async def test_what_a_crash_left_behind_is_no_server() -> None:
    """The file alone says nothing: the lock of a process that is gone is gone too."""
    with Loan(None) as host:
        await host.server(None, lend=True)
        host.tell(ENDPOINT)
        left = (data_directory() / "embedded.json").read_bytes()
    (data_directory() / "embedded.json").write_bytes(left)

    with Loan(None) as other:
        assert await other.server(None, lend=False) is None


async def test_another_model_is_not_taken_and_that_is_said() -> None:
    """Somebody who names a file of their own gets that one."""
    told: list[str] = []
    with Loan(None) as host, Loan(Path("own.gguf")) as other:
        await host.server(None, lend=True)
        host.tell(ENDPOINT)

        assert await other.server(lambda what, *_: told.append(what), lend=False) is None
    assert told == ["Loading another model beside that of `coach web`"]


async def test_answers_are_asked_about_one_after_the_other() -> None:
    """Whoever has the turn again after another process forgets what the server held; otherwise it is remembered."""
    data_directory().mkdir(parents=True)
    forgotten: list[str] = []
    mine = Turn(lambda: forgotten.append("mine"))
    async with mine:
        assert not await _free(Turn(lambda: None))
    async with mine:
        pass
    assert forgotten == ["mine"]

    (data_directory() / "embedded-turn").write_text("another process")
    async with mine:
        pass
    assert forgotten == ["mine", "mine"]


class _FakeServer:
    """A server that is ready when the test says so."""

    started = 0
    closed = 0
    model = ENDPOINT.model

    def __init__(self) -> None:
        _FakeServer.started += 1

    async def ready(self) -> Endpoint:
        return ENDPOINT

    def close(self) -> None:
        _FakeServer.closed += 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[_FakeServer]:
    """Start fakes instead of servers."""
    _FakeServer.started = _FakeServer.closed = 0
    monkeypatch.setattr("coach.model.choose.embedded_model_installed", lambda: True)
    monkeypatch.setattr("coach.submit.open.ensure_model_file", lambda report: Path("model.gguf"))
    monkeypatch.setattr(EmbeddedServer, "start", lambda file: _FakeServer())
    return _FakeServer


async def test_sessions_beside_the_pages_load_no_second_model(fake: type[_FakeServer]) -> None:
    """A session that is opened meanwhile uses the server of the pages and does not end it; a later one has its own."""
    bank = shipped_bank()
    async with open_session(Settings("local"), bank, lend=True) as pages:
        for many in (False, True):
            async with open_session(Settings("local"), bank, many=many) as session:
                assert session.model.name == pages.model.name
                async with session.assessor.turn():
                    assert not await _free(pages.assessor.turn())
        assert (fake.started, fake.closed) == (1, 0)
    assert (fake.started, fake.closed) == (1, 1)

    async with open_session(Settings("local"), bank) as alone, alone.assessor.turn():
        assert await _free(alone.assessor.turn())
    assert (fake.started, fake.closed) == (2, 2)


async def test_the_pages_lend_their_model(fake: type[_FakeServer]) -> None:
    """As long as they run; the model is loaded behind them."""
    path = data_directory() / "embedded.json"
    engine = Engine(Settings("local"), shipped_bank())
    engine.start()
    with Loan(None) as guest:
        while not path.exists():
            await asyncio.sleep(0.01)
        assert await guest.server(None, lend=False) == ENDPOINT
    await engine.close()

    assert not path.exists()
    assert (fake.started, fake.closed) == (1, 1)


async def _free(turn: AbstractAsyncContextManager[object]) -> bool:
    """Return whether a turn can be had at once."""
    try:
        await asyncio.wait_for(turn.__aenter__(), 0.1)
    except TimeoutError:
        return False
    await turn.__aexit__(None, None, None)
    return True
