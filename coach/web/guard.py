"""Who may talk to the server: one check in front of every route, and the headers of every response.

Any page in the browser, and any program on this machine, can send requests to a port of 127.0.0.1. So only a browser
that came with the key of the printed link gets a cookie, only requests that name this server by its own address are
answered (otherwise a foreign name could be made to point here), and only its own pages may change anything.
"""

from __future__ import annotations

import hmac
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

#: The routes that are answered without a cookie; there the key is checked.
OPEN = frozenset({"/open"})
_SAFE = frozenset({"GET", "HEAD"})
#: An answer is cut at 10,000 characters; this leaves room for every one of them to be escaped.
MAX_BODY = 256 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers send "Origin: null" with every form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Knows the addresses of this server, the key that opens it, and the cookie of a browser that had the key."""

    def __init__(self, port: int) -> None:
        names = ("127.0.0.1", "localhost")
        self._hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())
        self._key = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(32)
        # Cookies know no ports: without the port in its name, two coaches would log each other out.
        self._cookie = f"coach-{port}"
        #: All pages lie below this path, and so does the cookie: no other port of this machine is ever sent it.
        self.prefix = f"/{secrets.token_hex(8)}"
        self.link = f"http://127.0.0.1:{port}/open?key={self._key}"

    def let_in(self, key: str, response: web.StreamResponse) -> bool:
        """Give a browser that has the key its cookie; return False when the key is wrong."""
        if not hmac.compare_digest(key.encode("utf-8", "replace"), self._key.encode()):
            return False
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="Strict", path=self.prefix)
        return True

    def refusal(self, request: web.Request) -> tuple[int, str] | None:
        """Return status and reason for a request that is refused, or None."""
        hosts, origins = request.headers.getall("Host", []), request.headers.getall("Origin", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 421, "This server answers to its own address only."
        site = request.headers.get("Sec-Fetch-Site")
        if request.method not in _SAFE:
            # "same-site" is not enough: every port of this machine is the same site.
            if origins != [f"http://{hosts[0].lower()}"] or site not in (None, "same-origin"):
                return 403, "This was sent from another page."
        elif site in ("cross-site", "same-site") and request.headers.get("Sec-Fetch-Mode") != "navigate":
            return 403, "This was asked for by another page."
        if request.path in OPEN or self._has_cookie(request):
            return None
        return 401, "Open the link that `coach web` printed when it was started."

    def _has_cookie(self, request: web.Request) -> bool:
        # Not request.cookies: a cookie of the same name from another port would hide ours there.
        wanted = f"{self._cookie}={self._session}".encode()
        given = ";".join(request.headers.getall("Cookie", [])).split(";")
        return any(hmac.compare_digest(part.strip().encode("utf-8", "replace"), wanted) for part in given)


def guarded(guard: Guard) -> Middleware:
    """Return the middleware that lets through what the guard does not refuse; it stands before all others."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = guard.refusal(request)
        if refused is not None:
            status, reason = refused
            return web.Response(status=status, text=f"{reason}\n")
        return await handler(request)

    return middleware


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every response, streams and errors included (for the signal ``on_response_prepare``)."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
