"""Counting tokens and pricing them."""

from __future__ import annotations

import gzip
import importlib
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.model import cost
from coach.model.choose import OPENAI_URL
from coach.model.completion import Message, Usage
from coach.model.cost import VOCABULARY, TokenCounter, cost_usd, price_note

TEXTS = [
    "I'd check the archive's RAID, then CALL the vendor; it'll take 12345 seconds.\r\n\n  - done?!//\n",
    "Größe, naïve café, Ελληνικά, русский, 日本語のテキスト, 😀👍🏽, e\u0301",
    "\t\tdef f(x):\n    return x**2  # 3.14159\n\n\n",
    "<|endoftext|> <|endofprompt|>",
]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("hello world", 2),
        ("Hello, world!", 4),
        ("I don't know; the RAID's rebuild took 12345 seconds.\n\n", 14),
        ("<|endoftext|>", 7),
        ("日本語のテキスト", 6),
    ],
)
def test_known_counts(text: str, count: int) -> None:
    """Texts are counted as OpenAI's o200k_base does, special tokens as plain text."""
    assert TokenCounter("gpt-4o").count(text) == count


def test_encoding_is_tiktokens_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoding that is built here equals the one that tiktoken builds from the same vocabulary."""
    # tiktoken takes the file from its cache, where the name is the hash of the download address.
    cached = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    cached.write_bytes(gzip.decompress(VOCABULARY.read_bytes()))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    theirs = tiktoken.Encoding(**importlib.import_module("tiktoken_ext.openai_public").o200k_base())
    ours = cost._encoding(VOCABULARY)

    assert ours is not None
    assert (ours._pat_str, ours._special_tokens) == (theirs._pat_str, theirs._special_tokens)
    for text in TEXTS:
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("gpt-4o", True),
        ("gpt-4o-mini-2024-07-18", True),
        ("openai/gpt-4.1", True),
        ("gpt-5.6-luna", True),
        ("o3-mini", True),
        ("ft:gpt-4o:me", True),
        ("gpt-oss:20b", True),
        ("gpt-oss-120b", True),
        ("gpt-4", False),
        ("gpt-6-astra", False),
        ("qwen2.5-coder-1.5b-instruct", False),
        ("llama3.1:8b", False),
        ("", False),
    ],
)
def test_models_with_this_vocabulary(model: str, known: bool) -> None:
    """Only models that are known to use o200k_base get an exact count."""
    counter = TokenCounter(model)

    assert (counter.count("hello world"), counter.exact) == (2, known)
    assert counter.source == "o200k_base" if known else f"o200k_base, assumed for {model}"


def test_messages_are_counted_with_their_framing() -> None:
    """Each message costs four tokens more and the reply's opening three."""
    messages = [Message("system", "hello world"), Message("user", "Hello, world!")]

    assert TokenCounter("gpt-4o").count_messages(messages) == 2 + 4 + 4 + 4 + 3
    assert TokenCounter("gpt-4o").count_messages([]) == 3


@pytest.mark.parametrize(
    "content",
    [None, b"", b"not gzip", VOCABULARY.read_bytes()[:100_000], gzip.compress(b"aGVsbG8= 0\n")],
    ids=["missing", "empty", "not gzip", "cut off", "another vocabulary"],
)
def test_damaged_vocabulary_gives_an_estimate(tmp_path: Path, content: bytes | None) -> None:
    """Without a sound vocabulary the count is an estimate, for every model, and never a failure."""
    path = tmp_path / "vocabulary.gz"
    if content is not None:
        path.write_bytes(content)

    counter = TokenCounter("gpt-4o", path)

    assert (counter.count("hello world"), counter.exact, counter.source) == (2, False, "regular expression")


def test_estimate_is_near_the_truth(tmp_path: Path) -> None:
    """On English prose the regular expression is within a tenth of the true count."""
    text = (
        "First I would check whether the archive answers a DICOM C-ECHO, because 80% of such tickets are network "
        "faults. Then I compare the last known-good configuration, tell the radiologists what to expect, and write "
        "down each step so that the next shift can follow it. Finally I would schedule a review.\n"
    ) * 5
    true = TokenCounter("gpt-4o").count(text)

    assert abs(TokenCounter("gpt-4o", tmp_path / "missing").count(text) - true) < true / 10


@pytest.mark.parametrize("text", [" " * 400_000, "x" + "\t" * 400_000 + "y", "word " * 10 + "\u3000" * 400_000])
def test_endless_blanks_do_not_kill_the_program(text: str) -> None:
    """Blanks in such numbers that tiktoken would panic are estimated."""
    assert TokenCounter("gpt-4o").count(text) < 500_000


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_counted(text: str) -> None:
    """Every text has a count: none for the empty text, never more than one for each byte."""
    counted = TokenCounter("gpt-4o").count(text)

    assert (counted == 0) is (text == "")
    assert counted <= len(text.encode())


def test_lone_surrogates_can_be_counted(tmp_path: Path) -> None:
    """Text that UTF-8 cannot express is counted and estimated without failing."""
    assert TokenCounter("gpt-4o").count("a\ud800b") > 0
    assert TokenCounter("gpt-4o", tmp_path / "missing").count("a\ud800b") > 0


def test_counting_opens_no_connection() -> None:
    """Counting works in a process whose sockets fail, and leaves tiktoken's downloader unused."""
    program = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from coach.model.cost import TokenCounter\n"
        "import sys\n"
        "assert 'tiktoken' not in sys.modules\n"
        "print(TokenCounter('gpt-4o').count('hello world'), 'requests' in sys.modules)\n"
    )

    root = Path(__file__).resolve().parent.parent
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root)

    assert (result.stdout.strip(), result.stderr) == ("2 False", "")


MILLION = 1_000_000


@pytest.fixture
def simple_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the price list by one model whose long prompts cost ten times as much."""

    def calc_price(usage: Any, model: str, *, provider_api_url: str) -> SimpleNamespace:
        if (model, provider_api_url) != ("gpt-x", OPENAI_URL):
            raise LookupError(model)
        cached = usage.cache_read_tokens if "cache_read_tokens" in vars(usage) else 0
        fresh = (usage.input_tokens if "input_tokens" in vars(usage) else 0) - cached
        output = usage.output_tokens if "output_tokens" in vars(usage) else 0
        tier = 10 if fresh + cached > 200_000 else 1
        return SimpleNamespace(total_price=Decimal(fresh * 4 + cached * 1 + output * 8) * tier / MILLION)

    monkeypatch.setattr("genai_prices.calc_price", calc_price)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(MILLION, 0, 0), 4.0),
        (Usage(MILLION, None, 0), 4.0),
        (Usage(MILLION, MILLION, 0), 1.0),
        (Usage(MILLION, 250_000, 100_000), 3.0 + 0.25 + 0.8),
        (Usage(0, 0, 3), 0.000024),
        (Usage(1000, 2000, 0), 0.001),
    ],
)
@pytest.mark.usefixtures("simple_prices")
def test_tokens_are_priced_by_kind(usage: Usage, expected: float) -> None:
    """Fresh input, cached input and output have their own price, always that of a short prompt."""
    assert cost_usd("gpt-x", usage, OPENAI_URL) == pytest.approx(expected)


@pytest.mark.parametrize("usage", [Usage(), Usage(10), Usage(None, None, 10), Usage(None, 5, None)])
def test_missing_usage_costs_an_unknown_amount(usage: Usage) -> None:
    """Tokens that the endpoint did not count have no price."""
    assert cost_usd("gpt-4o-mini", usage, OPENAI_URL) is None


@pytest.mark.parametrize(
    ("model", "endpoint"),
    [
        ("no-such-model", OPENAI_URL),
        ("gpt-4o-mini", "http://192.168.1.5:11434/v1"),
        ("gpt-4o-mini", "https://gateway.test/v1"),
        ("qwen2.5:7b", "https://gateway.test/v1"),
        ("gpt-4o-mini", ""),
    ],
)
def test_unknown_model_or_endpoint_has_no_price(model: str, endpoint: str) -> None:
    """No price is guessed for a model or a server that is not in the price list."""
    assert cost_usd(model, Usage(10, 0, 10), endpoint) is None
    assert "not known" in price_note(model, endpoint)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8080/v1", "http://localhost:11434/v1", "http://[::1]:1/v1"])
def test_own_machine_costs_nothing(endpoint: str) -> None:
    """A model on this machine is free, whether or not it counts its tokens."""
    assert cost_usd("gpt-4o-mini", Usage(), endpoint) == 0.0
    assert "free of charge" in price_note("gpt-4o-mini", endpoint)


def test_shipped_price_list_knows_openai_models() -> None:
    """The price list inside the package prices a well-known model, cached tokens below fresh ones."""
    fresh = cost_usd("gpt-4o-mini", Usage(MILLION, 0, 0), OPENAI_URL)
    cached = cost_usd("gpt-4o-mini", Usage(MILLION, MILLION, 0), OPENAI_URL)

    assert fresh is not None
    assert cached is not None
    assert 0 < cached < fresh


@pytest.mark.usefixtures("simple_prices")
def test_note_shows_the_three_prices_and_their_source() -> None:
    """The note names the price of each kind of token and the version of the list."""
    note = price_note("gpt-x")

    assert "$4.00 input, $1.00 cached input, $8.00 output per million tokens" in note
    assert "genai-prices" in note


def test_small_prices_are_not_rounded_away() -> None:
    """A price of less than ten cents keeps its digits."""
    assert "$0.075 cached input" in price_note("gpt-4o-mini")


def test_no_update_is_started() -> None:
    """Looking up a price starts no thread that would fetch newer prices."""
    before = threading.active_count()

    cost_usd("gpt-4o-mini", Usage(10, 0, 10), OPENAI_URL)

    assert threading.active_count() == before
