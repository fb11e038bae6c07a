"""The application: every route, behind the guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from coach.web import practise, results
from coach.web.guard import MAX_BODY, add_headers, guarded
from coach.web.line import LINE, Line
from coach.web.site import SITE, Site, friendly_errors

#: The routes of a part of the site: each below the guard's prefix.
ROUTES = (*practise.ROUTES, *results.ROUTES)


async def _opened(request: web.Request) -> web.StreamResponse:
    # No redirection: a strict cookie is not sent along one that began on another site, such as a file or a mail.
    site = request.app[SITE]
    response = site.page("opened")
    if not site.guard.let_in(request.query.get("key", ""), response):
        # No page of the site: its links would tell the path that the cookie is kept for.
        return web.Response(status=403, text="This is not the link that `coach web` printed when it was started.\n")
    return response


async def _static(request: web.Request) -> web.StreamResponse:
    found = request.app[SITE].static.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    content, kind = found
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return web.Response(body=content, content_type=kind, charset="utf-8", headers=headers)


async def _no_icon(request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


def make_app(site: Site, *more: web.RouteDef) -> web.Application:
    """Return the application of a site, with routes that only some sites have; it starts and ends the site's engine."""
    app = web.Application(middlewares=[guarded(site.guard), friendly_errors], client_max_size=MAX_BODY)
    app[SITE] = site
    app.on_response_prepare.append(add_headers)
    app.add_routes([web.get("/open", _opened), web.get("/favicon.ico", _no_icon)])
    if site.batches:
        # What only graders need is not loaded for those who practise.
        from coach.web import batches

        more = (*batches.ROUTES, *more)
    for route in (*ROUTES, web.get("/static/{name}", _static), *more):
        app.router.add_route(route.method, f"{site.guard.prefix}{route.path}", route.handler)
    line = app[LINE] = Line(lambda judging: practise.judge(site, judging))

    async def working(app: web.Application) -> AsyncIterator[None]:
        site.engine.start()
        worker = asyncio.create_task(line.work())
        yield
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
        await site.engine.close()

    async def close_streams(app: web.Application) -> None:
        line.close()

    app.cleanup_ctx.append(working)
    app.on_shutdown.append(close_streams)
    return app
