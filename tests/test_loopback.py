"""Tests of coach.model.loopback."""

from __future__ import annotations

import pytest

from coach.model.loopback import is_loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.1:1/v1", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:1/v1", True),
        ("http://coach.localhost", True),
        ("http://192.168.1.5:11434/v1", False),
        ("http://localhost.example.org/v1", False),
        ("https://127.0.0.1.example.com/v1", False),
        ("http://0.0.0.0:1", False),
        ("http://[::1", False),
        ("embedded", False),
        ("", False),
    ],
)
def test_only_addresses_that_cannot_leave_this_machine_are_loopback(url: str, expected: bool) -> None:
    """A host that only looks like this machine is another one, and so is what cannot be read."""
    assert is_loopback(url) is expected
