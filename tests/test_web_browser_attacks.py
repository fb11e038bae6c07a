"""Attacks on ``coach web`` by other pages in the same browser, which holds the cookie."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web
from real_browser import EVIL, MARKS, Come, address, origin
from web_server import GOOD, HeldJudge, by_words, running_site

from coach.history.store import HistoryStore
from coach.web.drafts import drafts_of, keep_draft
from coach.web.serve import open_browser, started
from coach.web.site import Site

pytest_plugins = ("browser_fixtures",)
pytestmark = MARKS

QUESTION = "dicom-standard"
#: What another page tries with the addresses of home, of a draft, and of the files that pages load.
TRIES = """async ([home, draft, script, style]) => {
  const tried = {};
  const attempt = async (name, act) => {
    try { tried[name] = await act(); } catch (error) { tried[name] = error.name; }
  };
  const loaded = (tag, name, source) => new Promise((resolve) => {
    const element = Object.assign(document.createElement(tag), {[name]: source, rel: "stylesheet"});
    element.onload = () => resolve("loaded");
    element.onerror = () => resolve("refused");
    document.body.append(element);
  });
  const blindly = {credentials: "include", mode: "no-cors"};
  const put = {method: "PUT", headers: {"Content-Type": "application/json"}, credentials: "include"};
  const body = JSON.stringify({draft: "", text: "Evil words", base: ""});
  const form = new URLSearchParams({answer: "Evil words"});
  await attempt("read", async () => (await fetch(home, {credentials: "include"})).text());
  await attempt("read blindly", async () => (await fetch(home, blindly)).type);
  await attempt("change", async () => (await fetch(draft, {...put, body})).status);
  await attempt("change blindly", async () =>
    (await fetch(draft.replace("draft", "attempts"), {...blindly, method: "POST", body: form})).type);
  await attempt("script", () => loaded("script", "src", script));
  await attempt("style", () => loaded("link", "href", style));
  await attempt("picture", () => loaded("img", "src", home));
  return tried;
}"""


@dataclass
class Attacker:
    """Another server of this machine, with the page that it gives to everybody, and the cookies it was sent."""

    port: int
    page: str = ""
    cookies: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """Give the page."""
        self.cookies.append(request.headers.get("Cookie", ""))
        return web.Response(text=f"<!DOCTYPE html><title>Evil</title>{self.page}", content_type="text/html")


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """The pages, with a draft that an attacker would like to read or to change."""
    async with running_site(HeldJudge(by_words, free=True)) as running:
        keep_draft(QUESTION, "", GOOD)
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def attacker() -> AsyncIterator[Attacker]:
    """A server on another port."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        there = Attacker(sock.getsockname()[1])
        app = web.Application()
        app.router.add_get("/{path:.*}", there.answer)
        async with started(app, sock):
            yield there


def nothing_happened() -> bool:
    """Whether the draft is the only thing that is kept."""
    with HistoryStore.open() as store:
        return store.count() == 0 and [draft.text for draft in drafts_of(QUESTION)] == [GOOD]


async def test_a_foreign_name_that_points_here_opens_nothing(site: Site, come: Come) -> None:
    """DNS rebinding: the browser takes the attacker's name for this server, which does not."""
    visitor = await come(site)
    for path in ("/", site.to("/"), site.to(f"/questions/{QUESTION}"), site.guard.link.partition("/open")[2]):
        response = await visitor.page.goto(address(site, "/").replace(site.to("/"), path).replace("127.0.0.1", EVIL))
        assert response is not None
        assert response.status == 421
        assert GOOD not in await visitor.page.content()
    assert sum("421" in problem for problem in visitor.take_problems()) == 4


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1"], ids=["another site", "another port"])
async def test_a_form_of_another_page_changes_nothing(site: Site, come: Come, attacker: Attacker, host: str) -> None:
    """Every route that changes something, as a form can send it."""
    visitor = await come(site)
    for path in (f"/questions/{QUESTION}/attempts", f"/questions/{QUESTION}/delete", "/attempts/1/delete"):
        attacker.page = (
            f'<form method="post" action="{address(site, path)}"><input name="answer" value="Evil words, a lot of '
            f'them, to be judged"></form><script>document.forms[0].submit()</script>'
        )
        async with visitor.page.expect_response(address(site, path)) as answered:
            await visitor.page.goto(f"http://{host}:{attacker.port}/", wait_until="commit")
        assert (await answered.value).status == 403
        await visitor.page.wait_for_load_state()
    assert nothing_happened()
    assert all("403 (Forbidden)" in problem for problem in visitor.take_problems())


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1"], ids=["another site", "another port"])
async def test_another_page_reads_and_loads_nothing(site: Site, come: Come, attacker: Attacker, host: str) -> None:
    """Not by fetch, script, picture, style or frame, and not by the window that it opens."""
    visitor = await come(site)
    page = visitor.page
    await page.goto(f"http://{host}:{attacker.port}/")
    home, draft = address(site, "/"), address(site, f"/questions/{QUESTION}/draft")
    files = [address(site, f"/static/{name}") for kind in ("js", "css") for name in site.static if name.endswith(kind)]
    found = await page.evaluate(TRIES, [home, draft, *files])

    assert found["read"] == found["change"] == "TypeError"
    assert found["script"] == found["style"] == found["picture"] == "refused"
    # What is told of such a response is nothing.
    assert {found["read blindly"], found["change blindly"]} <= {"TypeError", "opaque"}
    assert nothing_happened()
    visitor.take_problems()


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1"], ids=["another site", "another port"])
async def test_another_page_can_neither_frame_nor_hold_a_page(
    site: Site, come: Come, attacker: Attacker, host: str
) -> None:
    """A frame stays empty; a window that was opened is out of reach as soon as it shows a page of ours."""
    visitor = await come(site)
    page = visitor.page
    attacker.page = f'<iframe src="{address(site, "/")}"></iframe>'
    await page.goto(f"http://{host}:{attacker.port}/")
    assert GOOD not in await page.content()
    assert [await frame.locator("nav.pages").count() for frame in page.frames[1:]] == [0]
    async with page.expect_popup() as opening:
        await page.evaluate("(url) => { window.held = window.open(url); }", address(site, f"/questions/{QUESTION}"))
    popup = await opening.value
    await popup.wait_for_load_state()

    assert await popup.evaluate("window.opener") is None
    assert await page.evaluate("window.held.closed")
    visitor.take_problems()


async def test_the_cookie_goes_to_no_other_port(site: Site, come: Come, attacker: Attacker) -> None:
    """Cookies know no ports, but they know paths; and no script can read this one."""
    visitor = await come(site)
    await visitor.page.goto(f"http://127.0.0.1:{attacker.port}/")
    [cookie] = await visitor.context.cookies(address(site, "/"))

    assert attacker.cookies == [""]
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Strict"
    assert await visitor.page.evaluate("document.cookie") == ""


async def test_the_link_can_be_opened_from_a_file(site: Site, come: Come, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how `coach web` opens the browser: the cookie is there on the page that the link leads to."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    path = open_browser(site.guard.link)
    visitor = await come()
    await visitor.page.goto(opened[0])

    await visitor.page.wait_for_url(address(site, "/"))
    assert path is not None
    assert path.stat().st_mode & 0o077 == 0


async def test_without_the_cookie_a_browser_sees_nothing(site: Site, come: Come) -> None:
    """It is told how to get in, and nothing else."""
    visitor = await come()
    for path in ("/", f"/questions/{QUESTION}", "/history"):
        response = await visitor.page.goto(address(site, path))
        assert response is not None
        assert response.status == 401
        assert "Open the link" in await visitor.page.content()
    response = await visitor.page.goto(f"{origin(site)}/open?key=wrong")
    assert response is not None
    assert response.status == 403
    assert len(visitor.take_problems()) == 4
