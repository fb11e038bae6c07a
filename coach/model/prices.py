"""What a request costs in US dollars, from the price list inside the genai-prices package (no network, no updates)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from coach.model.completion import Usage
from coach.model.endpoints import OPENAI_URL
from coach.model.loopback import is_loopback

MILLION = 1_000_000
#: Long prompts cost more at some providers. One check or one answer is a short prompt, but a sum of them is not,
#: so the rate of a short prompt is taken and multiplied.
SHORT_PROMPT = 1000


@dataclass(frozen=True)
class Rates:
    """US dollars for one token: of fresh input, of cached input, of output."""

    fresh: float
    cached: float
    output: float


def cost_usd(model: str, usage: Usage, endpoint: str) -> float | None:
    """Return the cost of ``usage`` at list price; None when it is not known.

    Not known means: the endpoint is no provider in the price list, the provider's model is not in it, or the
    endpoint did not report its tokens. Cached input tokens are priced as such. Discounts, taxes and other service
    tiers are not seen.

    A loopback endpoint costs 0.0: the embedded model and local servers send no bill. Electricity does not count,
    and a local gateway that passes requests on to a paid service is not recognised.
    """
    if is_loopback(endpoint):
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    rates = _rates(model, endpoint)
    if rates is None:
        return None
    fresh = usage.input_tokens - cached
    return round(fresh * rates.fresh + cached * rates.cached + usage.output_tokens * rates.output, 10)


def price_note(model: str, endpoint: str = OPENAI_URL) -> str:
    """Return one line for people: what a million tokens of the model cost, and where that is written."""
    if is_loopback(endpoint):
        return f"{model}: free of charge, it runs on this machine"
    rates = _rates(model, endpoint)
    if rates is None:
        return f"{model}: the price at {endpoint} is not known"
    from genai_prices import __version__

    return (
        f"{model}: {_per_million(rates.fresh)} input, {_per_million(rates.cached)} cached input, "
        f"{_per_million(rates.output)} output per million tokens (list price, genai-prices {__version__})"
    )


def _per_million(rate: float) -> str:
    dollars, _, cents = f"{rate * MILLION:.4f}".partition(".")
    return f"${dollars}.{cents.rstrip('0').ljust(2, '0')}"


@lru_cache(maxsize=64)
def _rates(model: str, endpoint: str) -> Rates | None:
    from genai_prices import Usage as PricedUsage
    from genai_prices import calc_price

    def rate(**tokens: int) -> float:
        price = calc_price(PricedUsage(**tokens), model, provider_api_url=endpoint)
        return float(price.total_price) / SHORT_PROMPT

    try:
        return Rates(
            fresh=rate(input_tokens=SHORT_PROMPT),
            cached=rate(input_tokens=SHORT_PROMPT, cache_read_tokens=SHORT_PROMPT),
            output=rate(output_tokens=SHORT_PROMPT),
        )
    except LookupError:
        return None
