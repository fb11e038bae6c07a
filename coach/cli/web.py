"""``coach web``: a page to practise in, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coach.cli.console import print_error, say
from coach.cli.options import BankOption, CalibrationOption, MethodOption, ModelOption, NoScoreOption
from coach.errors import ConfigurationError, InputError

_LOOPBACK = ("127.0.0.1", "localhost")


def web_command(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to use (0: any free one). Default: 8421, or the next free one."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    batch: Annotated[
        list[Path] | None,
        typer.Option("--batch", metavar="DIR", help="Also look through the batch in this directory; repeatable."),
    ] = None,
    host: Annotated[str, typer.Option(hidden=True)] = _LOOPBACK[0],
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    calibration: CalibrationOption = None,
    no_score: NoScoreOption = False,
) -> None:
    """Practise in the browser, or look through a batch.

    The page is served on this machine and to this machine alone.
    """
    if host not in _LOOPBACK:
        raise InputError(
            f"--host {host}: the page is for this machine alone, as answers would travel in the open",
            "From another machine reach it by ssh -L 8421:127.0.0.1:8421 HOST",
        )
    import asyncio
    import gc

    from coach.bank.load import load_bank
    from coach.batch.store import Store
    from coach.submit.open import Settings
    from coach.web.serve import PORT, listen, open_browser, running_link, serve

    settings = Settings(model, bank, method)
    settings.check()
    for directory in batch or ():
        with Store.read(directory):
            pass
    # Pages that run already know nothing of a batch that is named now.
    if not batch and port in (None, PORT) and (link := running_link()):
        say(f"The coach runs already. Open this link in a browser on this machine:\n{link}")
        if browser:
            open_browser(link)
        return
    sock = listen(port)
    from coach.web.app import make_app
    from coach.web.engine import Engine
    from coach.web.guard import Guard
    from coach.web.site import Site

    loaded = load_bank(bank)
    site = Site(loaded, Engine(settings, loaded), Guard(sock.getsockname()[1]), not no_score, batches=batch or ())
    if calibration is not None:
        from coach.calibrate.mapping import apply_calibration, load_calibration

        chosen = load_calibration(calibration)
        site.calibrate = lambda assessment: apply_calibration(assessment, chosen)
    try:
        settings.choose_model()
    except ConfigurationError as error:
        # What was practised before can be read without one.
        print_error(error)
    asyncio.run(serve(make_app(site), sock, site.guard.link, browser=browser, say=say))
    # Python ends by looking for garbage among all that is loaded, which takes half a second.
    gc.freeze()
