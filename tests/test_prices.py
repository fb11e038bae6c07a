"""Tests of prices."""

from __future__ import annotations

import threading
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from coach.model.completion import Usage
from coach.model.endpoints import OPENAI_URL
from coach.model.prices import cost_usd, price_note

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
