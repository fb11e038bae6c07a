"""Which model is used, and what the base URL of an endpoint says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.errors import ConfigurationError
from coach.model import choose as module
from coach.model.choose import DEFAULT_OPENAI_MODEL, OPENAI_URL, ModelChoice, choose_model, is_loopback, parse_address

KEY = {"OPENAI_API_KEY": "sk-secret-key"}
SERVER = {"OPENAI_BASE_URL": "http://localhost:11434/v1"}


@pytest.fixture(autouse=True)
def _embedded_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "embedded_model_installed", lambda: True)


@pytest.fixture
def _nothing_installed(monkeypatch: pytest.MonkeyPatch, _embedded_installed: None) -> None:
    monkeypatch.setattr(module, "embedded_model_installed", lambda: False)


def where(choice: ModelChoice) -> str:
    """Return in one word where answers go."""
    if choice.embedded:
        return str(choice.file) if choice.file else "embedded"
    return f"{choice.model} at {choice.base_url}"


@pytest.mark.parametrize(
    ("wanted", "environment", "expected"),
    [
        (None, {}, "embedded"),
        (None, KEY, f"{DEFAULT_OPENAI_MODEL} at {OPENAI_URL}"),
        (None, {"OPENAI_API_KEY": ""}, "embedded"),
        (None, {**KEY, "COACH_MODEL": "local"}, "embedded"),
        (None, {**KEY, "COACH_MODEL": "gpt-x"}, f"gpt-x at {OPENAI_URL}"),
        ("local", KEY, "embedded"),
        ("Embedded", KEY, "embedded"),
        ("LOCAL", {**KEY, **SERVER}, "embedded"),
        ("gpt-x", {**KEY, "COACH_MODEL": "local"}, f"gpt-x at {OPENAI_URL}"),
        ("models/mine.GGUF", KEY, "models/mine.GGUF"),
        ("qwen", SERVER, "qwen at http://localhost:11434/v1"),
        ("qwen", {**SERVER, **KEY}, "qwen at http://localhost:11434/v1"),
        (None, {**SERVER, "COACH_MODEL": "qwen"}, "qwen at http://localhost:11434/v1"),
        (None, {**KEY, "OPENAI_BASE_URL": ""}, f"{DEFAULT_OPENAI_MODEL} at {OPENAI_URL}"),
        (None, {**KEY, "OPENAI_BASE_URL": OPENAI_URL}, f"{DEFAULT_OPENAI_MODEL} at {OPENAI_URL}"),
    ],
)
def test_the_order_of_the_choices(wanted: str | None, environment: dict[str, str], expected: str) -> None:
    """The command line beats COACH_MODEL, that beats a key, and that beats the embedded model."""
    assert where(choose_model(wanted, environment)) == expected


def test_a_file_in_the_home_directory_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A tilde means home, and the file's name becomes the model's."""
    monkeypatch.setenv("HOME", str(tmp_path))

    choice = choose_model("~/tiny.gguf", {})

    assert (choice.file, choice.model) == (tmp_path / "tiny.gguf", "tiny")


@pytest.mark.parametrize(
    ("wanted", "environment", "reason"),
    [
        ("gpt-x", KEY, "--model"),
        (None, {**KEY, "COACH_MODEL": "gpt-x"}, "COACH_MODEL"),
        (None, KEY, "OPENAI_API_KEY"),
        (None, {}, "no other model"),
    ],
)
def test_the_choice_says_why(wanted: str | None, environment: dict[str, str], reason: str) -> None:
    """A person can see which setting made the choice."""
    assert reason in choose_model(wanted, environment).reason


def test_the_key_goes_along_but_is_never_shown() -> None:
    """The key is there for the client and in no text."""
    choice = choose_model(None, KEY)

    assert choice.api_key == KEY["OPENAI_API_KEY"]
    assert "secret" not in repr(choice) + str(choice)
    assert choose_model("qwen", SERVER).api_key is None


@pytest.mark.parametrize(
    ("wanted", "environment", "is_openai"),
    [(None, KEY, True), ("qwen", SERVER, False), ("local", KEY, False), ("a.gguf", KEY, False)],
)
def test_whether_an_answer_goes_to_openai(wanted: str | None, environment: dict[str, str], is_openai: bool) -> None:
    """Only OpenAI's own address counts."""
    assert choose_model(wanted, environment).is_openai is is_openai


@pytest.mark.usefixtures("_nothing_installed")
@pytest.mark.parametrize("wanted", [None, "local"])
def test_without_any_model_the_three_ways_are_named(wanted: str | None) -> None:
    """The error says all that can be done: install, set a key, or name a model of a server."""
    with pytest.raises(ConfigurationError) as caught:
        choose_model(wanted, {})

    for way in ("answer-feedback-coach[local]", "OPENAI_API_KEY", "--model", "OPENAI_BASE_URL"):
        assert way in caught.value.hint


def test_a_server_without_a_models_name_is_an_error_even_with_a_key() -> None:
    """OpenAI's model is not asked for at another server, and the answer does not go elsewhere in silence."""
    with pytest.raises(ConfigurationError) as caught:
        choose_model(None, {**KEY, **SERVER})

    assert "http://localhost:11434/v1" in caught.value.message
    assert "COACH_MODEL" in caught.value.hint


def test_openai_without_a_key_is_an_error() -> None:
    """A model's name alone points at OpenAI, which needs a key; the hint names the other ways."""
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY is not set") as caught:
        choose_model("gpt-x", {})

    assert "OPENAI_BASE_URL" in caught.value.hint
    assert "--model local" in caught.value.hint


@pytest.mark.parametrize("url", ["ftp://host/v1", "localhost:1234", "http://me:pass-w0rd@"])
def test_a_base_url_that_cannot_be_used_is_an_error(url: str) -> None:
    """A mistake in the address is told, without repeating a password that stands in it."""
    with pytest.raises(ConfigurationError) as caught:
        choose_model("qwen", {"OPENAI_BASE_URL": url})

    assert "pass-w0rd" not in caught.value.message + caught.value.hint


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
