"""Runs of ``coach batch`` within the test's process."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from coach.cli.batch import batch_app


def coach_batch(*arguments: object) -> Result:
    """Run the command; errors for people come through as they are raised."""
    return CliRunner().invoke(batch_app, list(map(str, arguments)), catch_exceptions=False)
