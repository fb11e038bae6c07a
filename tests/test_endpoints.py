"""Tests of the endpoint's address."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.errors import ConfigurationError
from coach.model.endpoints import OPENAI_URL, parse_address


@pytest.mark.parametrize(
    ("written", "url"),
    [
        (" http://localhost:11434/v1/ ", "http://localhost:11434/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://me:secret@coach.test/v1#part", "https://coach.test/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://x.openai.azure.com/openai/v1?api-version=preview", "https://x.openai.azure.com/openai/v1"),
        ("HTTP://Coach.TEST", "http://coach.test"),
    ],
)
def test_url_is_clean(written: str, url: str) -> None:
    """The URL that is shown has neither credentials nor query, whatever people paste."""
    assert parse_address(written).url == url


def test_credentials_and_version_are_kept_apart() -> None:
    """A login and the api-version are kept for the request but not in the URL or the repr."""
    address = parse_address("https://me:se%40cret@coach.test/v1?api-version=preview")

    assert address.login == ("me", "se@cret")
    assert address.query == {"api-version": "preview"}
    assert "se@cret" not in repr(address)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "localhost:11434/v1",
        "ftp://coach.test",
        "http://",
        "http://[::1",
        "http://coach.test:port/v1",
        "http://coach..test/v1",
        "http://coach test/v1",
        "https://me:pass-word-1@coach.test/v1?key=pass-word-1",
    ],
)
def test_unusable_address_is_a_configuration_error(written: str) -> None:
    """An address that cannot be used is refused with a hint and without repeating a secret."""
    with pytest.raises(ConfigurationError) as caught:
        parse_address(written)

    assert caught.value.hint
    assert "pass-word-1" not in caught.value.message + caught.value.hint


def test_an_address_knows_whether_it_stays_here() -> None:
    """It is asked before a proxy is used, with what people wrote around the host taken off."""
    assert parse_address(" http://me:secret@LOCALHOST:1/v1/ ").is_loopback
    assert not parse_address("http://localhost.example.org/v1").is_loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (OPENAI_URL, True),
        ("https://eu.api.openai.com/v1", True),
        ("https://api.openai.com.example.org/v1", False),
        ("http://localhost:11434/v1", False),
    ],
)
def test_openai_is_recognised_by_its_host(url: str, expected: bool) -> None:
    """Only OpenAI's own hosts are taken for OpenAI."""
    assert parse_address(url).is_openai is expected


@settings(deadline=None)
@given(st.one_of(st.text(), st.text().map(lambda text: f"http://{text}")))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than with a ConfigurationError."""
    try:
        address = parse_address(text)
    except ConfigurationError:
        return

    assert address.url.startswith(("http://", "https://"))
    assert parse_address(address.url).url == address.url
