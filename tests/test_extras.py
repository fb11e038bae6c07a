"""Tests of coach.extras."""

from __future__ import annotations

import pytest

from coach import extras
from coach.errors import ConfigurationError


def test_a_missing_package_is_named_with_its_purpose_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is missing is named, with what needs it and how to install it."""
    monkeypatch.setattr(extras, "STATISTICS", ("json", "no_such_package"))

    with pytest.raises(
        ConfigurationError, match="comparing a judge with human marks needs no_such_package, which is not installed"
    ) as caught:
        extras.require_statistics()

    assert caught.value.hint == "Install it with: pip install 'answer-feedback-coach[calibrate]'"


def test_several_missing_packages_are_named_together() -> None:
    """One message names them all."""
    with pytest.raises(ConfigurationError, match="this needs no_such_one, no_such_two, which are not installed"):
        extras.require(("no_such_one", "json", "no_such_two"), "local", "this")
