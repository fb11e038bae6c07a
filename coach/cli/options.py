"""Options that several commands share, each defined once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Model to use: 'local' (embedded), a .gguf file, or a model id of OpenAI or a compatible server.",
        show_default=False,
    ),
]
BankOption = Annotated[
    Path | None,
    typer.Option("--bank", help="Another question bank; its rubrics lie in rubrics/ beside it.", show_default=False),
]
MethodOption = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="How to ask: 'logprobs' or 'structured'. Default: what the endpoint can do.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
NoScoreOption = Annotated[bool, typer.Option("--no-score", help="Hide all numbers and keep the words.")]
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", help="Apply a named calibration saved by `coach calibrate`.", show_default=False),
]
