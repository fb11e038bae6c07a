"""Who may talk to ``coach web``: the rules of ``coach/web/guard.py``, on every route there is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from scripted_judge import ScriptedJudge
from web_server import Browser, ScriptedEngine, browser_of, by_words, running_site

from coach.bank.load import load_bank
from coach.web.app import make_app
from coach.web.guard import HEADERS, MAX_BODY, OPEN, Guard
from coach.web.serve import WithoutWords
from coach.web.site import Site


def _routes() -> list[tuple[str, str]]:
    """Return method and path of every route, with something in the place of each name."""
    bank = load_bank()
    site = Site(bank, ScriptedEngine(bank, ScriptedJudge(by_words)), Guard(1), batches=[Path("a-batch")])
    found = []
    for route in make_app(site).router.routes():
        assert route.resource is not None
        path = re.sub(r"\{number\}", "1", re.sub(r"\{kind\}", "md", route.resource.canonical))
        path = re.sub(r"\{\w+\}", "dicom-standard", path).removeprefix(site.guard.prefix)
        found.append((route.method, path))
    return found


ROUTES = _routes()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser with the cookie, on pages that nobody has used yet."""
    async with running_site(batches=[Path("a-batch")]) as site, browser_of(site) as opened:
        yield opened


async def _answer(
    browser: Browser, method: str, url: str, headers: dict[str, str], *, cookie: bool = True
) -> tuple[int, dict[str, str]]:
    jar = browser.client.cookie_jar if cookie else aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(cookie_jar=jar, connector=browser.client.connector, connector_owner=False) as client,
        client.request(method, url, headers=headers, allow_redirects=False) as response,
    ):
        return response.status, dict(response.headers)


def _at(browser: Browser, path: str) -> str:
    return f"{browser.origin}{path}" if path in (*OPEN, "/favicon.ico") else browser.url(path)


async def test_no_route_is_answered_without_the_cookie(browser: Browser) -> None:
    """A route that somebody adds and forgets is closed; only the link itself is open, and that asks for the key."""
    headers = {"Origin": browser.origin}
    for method, path in ROUTES:
        status, given = await _answer(browser, method, _at(browser, path), headers, cookie=False)

        assert status == (403 if path in OPEN else 401), (method, path)
        assert HEADERS.items() <= given.items(), (method, path)


async def test_no_route_is_answered_under_another_name(browser: Browser) -> None:
    """A foreign name that was made to point at this machine opens nothing, even with the cookie."""
    headers = {"Origin": browser.origin, "Host": "evil.test"}
    for method, path in ROUTES:
        status, given = await _answer(browser, method, _at(browser, path), headers)

        assert status == 421, (method, path)
        assert HEADERS.items() <= given.items(), (method, path)


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1", "localhost", "127.0.0.1:1", "127.0.0.1.evil.test:{port}", "[::1]:{port}"]
)
async def test_only_the_own_address_is_answered(browser: Browser, host: str) -> None:
    """Name and port are compared whole; a request without a name is refused too."""
    port = browser.origin.rpartition(":")[2]

    status, _ = await _answer(browser, "GET", browser.url("/"), {"Host": host.format(port=port)})

    assert status == 421


async def test_the_own_names_are_answered_in_any_case(browser: Browser) -> None:
    """LocalHost is localhost; its cookie is one of its own."""
    port = browser.origin.rpartition(":")[2]
    cookie = "; ".join(f"{c.key}={c.value}" for c in browser.client.cookie_jar)
    headers = {"Host": f"LocalHost:{port}", "Cookie": cookie}

    status, _ = await _answer(browser, "GET", browser.url("/"), headers, cookie=False)

    assert status == 200


CHANGING = [(method, path) for method, path in ROUTES if method not in ("GET", "HEAD")]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.test"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://{host}"},
        {"Origin": "http://{host}", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://{host}", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=["none", "null", "foreign", "another port", "https", "same site", "cross site"],
)
async def test_nothing_is_changed_from_another_page(browser: Browser, headers: dict[str, str]) -> None:
    """A form on another site, or of another program on this machine, changes nothing."""
    host = browser.origin.removeprefix("http://")
    sent = {name: value.format(host=host) for name, value in headers.items()}
    for method, path in CHANGING:
        status, _ = await _answer(browser, method, browser.url(path), sent)

        assert status == 403, (method, path)


async def test_another_page_can_load_nothing_from_here(browser: Browser) -> None:
    """Not even a picture; but a link that is followed is a visit."""
    for site in ("cross-site", "same-site"):
        for mode, expected in (("no-cors", 403), ("cors", 403), ("navigate", 200)):
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
            status, _ = await _answer(browser, "GET", browser.url("/"), headers)

            assert status == expected


async def test_the_key_opens_and_a_wrong_one_does_not(browser: Browser) -> None:
    """The cookie is for scripts invisible, for other sites and other ports unsent, and not the key itself."""
    link = browser.site.guard.link
    status, headers = await _answer(browser, "GET", link, {}, cookie=False)
    cookie = headers["Set-Cookie"]

    assert status == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert f"Path={browser.site.guard.prefix}" in cookie
    assert cookie.startswith(f"coach-{browser.origin.rpartition(':')[2]}=")
    assert link.partition("key=")[2] not in cookie
    for wrong in ("", "?key=", "?key=x", "?key=%C3%A9%FF", f"?key={link[-5:]}"):
        status, headers = await _answer(browser, "GET", f"{browser.origin}/open{wrong}", {}, cookie=False)
        assert status == 403
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", ["/open", "/open?key=x", "/", "/nothing", "/static/app.css", "/favicon.ico"])
async def test_the_path_of_the_pages_is_told_to_nobody_without_the_key(browser: Browser, path: str) -> None:
    """Whoever knew it could serve that path on another port, and be sent the cookie there."""
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(f"{browser.origin}{path}", headers={"Accept": "text/html"}) as response,
    ):
        told = f"{await response.text()} {response.headers}"

    assert response.status in (401, 403)
    assert browser.site.guard.prefix not in told


async def test_a_cookie_of_the_same_name_from_another_port_locks_nobody_out(browser: Browser) -> None:
    """Cookies know no ports: another server of this machine may have set one."""
    own = next(iter(browser.client.cookie_jar))
    headers = {"Cookie": f"{own.key}={own.value}; {own.key}=other"}

    status, _ = await _answer(browser, "GET", browser.url("/"), headers, cookie=False)

    assert status == 200


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/static/..%2fapp.py", "/static/%2e%2e/guard.py", "/nothing"])
async def test_every_response_has_the_headers(browser: Browser, path: str) -> None:
    """Pages, errors and what is not there; and no response is shared with other sites."""
    status, headers = await _answer(browser, "GET", browser.url(path), {})

    assert status == (200 if path == "/" else 404)
    assert HEADERS.items() <= headers.items()
    assert not [name for name in headers if name.lower().startswith("access-control-")]


async def test_what_nobody_foresaw_has_a_page_and_leaves_no_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The page says that texts are kept; what is logged says where it was, and never what somebody wrote."""
    secret = "In my hospital we lost"

    async def page(request: web.Request) -> web.StreamResponse:
        raise ValueError(f"cannot read {secret!r}")

    async with running_site(more=(web.get("/broken", page),)) as site, browser_of(site) as browser:
        text = await browser.get("/broken", status=500)
        _, headers = await _answer(browser, "GET", browser.url("/broken"), {})
    told = [WithoutWords().format(record) for record in caplog.records]

    assert "Something went wrong inside the coach" in text
    assert HEADERS.items() <= headers.items()
    assert len(told) == 2
    assert "ValueError" in told[0]
    assert "raise ValueError" in told[0]
    assert not [line for line in (text, *told) if secret in line]


async def test_static_files_are_served_by_name_only(browser: Browser) -> None:
    """They carry a hash of their content, so that a browser may keep them."""
    page = await browser.get("/")
    for kind in ("css", "js"):
        [address] = re.findall(rf'"([^"]*app\.[0-9a-f]{{12}}\.{kind})"', page)
        status, headers = await _answer(browser, "GET", f"{browser.origin}{address}", {})
        assert status == 200
        assert "immutable" in headers["Cache-Control"]


@pytest.mark.parametrize(
    "target",
    [
        "{prefix}/static/../../guard.py",
        "{prefix}/static/..%2f..%2fguard.py",
        "{prefix}/static/%2e%2e/%2e%2e/guard.py",
        "{prefix}/static//etc/passwd",
        "{prefix}/static/..\\guard.py",
        "{prefix}/static/app.js%00.css",
        "{prefix}/questions/..%2f..%2f..%2fetc%2fpasswd",
        "{prefix}/questions/dicom-standard%2f..%2f..",
        "{prefix}/attempts/1%2freport.md",
        "{prefix}/judging/..%2f..%2fweb.json/report.md",
        "/..{prefix}/../{prefix}/nothing",
        "//evil.test{prefix}/",
        "/%2f{prefix}/",
        "http://evil.test{prefix}/nothing",
        "*",
        "",
    ],
)
async def test_a_trick_with_the_path_leads_nowhere(browser: Browser, target: str) -> None:
    """As it stands in the request, for clients tidy it up: nothing is found, and no file outside is told."""
    cookie = "; ".join(f"{c.key}={c.value}" for c in browser.client.cookie_jar)
    host = browser.origin.removeprefix("http://")
    line = f"GET {target.format(prefix=browser.site.guard.prefix)} HTTP/1.1"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.rpartition(":")[2]))
    writer.write(f"{line}\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode())
    told = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()

    assert told.split()[1] in ("400", "401", "404")
    assert "root:" not in told
    assert "Traceback" not in told


async def test_too_large_a_body_is_refused(browser: Browser) -> None:
    """Nobody fills the memory or the disk."""
    too_large = "x" * (MAX_BODY + 1)

    await browser.request("POST", "/questions/dicom-standard/attempts", data={"answer": too_large}, status=413)
    await browser.request("PUT", "/questions/dicom-standard/draft", json={"text": too_large}, status=413)

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(2 * MAX_BODY // 65536):
            yield b"x" * 65536

    await browser.request("PUT", "/questions/dicom-standard/draft", data=unannounced(), status=413)


async def test_nobody_may_ask_what_is_allowed(browser: Browser) -> None:
    """There is no answer for a browser that asks for leave to send from elsewhere."""
    headers = {"Origin": "http://evil.test", "Access-Control-Request-Method": "PUT"}

    status, given = await _answer(browser, "OPTIONS", browser.url("/"), headers)

    assert status == 403
    assert "Access-Control-Allow-Origin" not in given


def test_a_route_of_another_part_is_guarded_too() -> None:
    """Every route lies below the secret path, the two that browsers know by name apart."""

    async def page(request: web.Request) -> web.StreamResponse:
        raise NotImplementedError

    bank = load_bank()
    site = Site(bank, ScriptedEngine(bank, ScriptedJudge(by_words)), Guard(1))
    app = make_app(site, web.get("/batches", page))
    paths = {route.resource.canonical for route in app.router.routes() if route.resource}

    assert {path for path in paths if not path.startswith(f"{site.guard.prefix}/")} == {"/open", "/favicon.ico"}
    assert f"{site.guard.prefix}/batches" in paths
