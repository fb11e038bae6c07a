"""Counting tokens and pricing them, without a network.

The project ships OpenAI's vocabulary ``o200k_base``; the price list is that inside the genai-prices package. Counts are
for planning (costs before a run, what fits into a context); bills come from the usage that the endpoint reports.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import math
import re
import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from coach.files import DATA
from coach.model.choose import OPENAI_URL, is_loopback
from coach.model.completion import Message, Usage

if TYPE_CHECKING:
    from tiktoken import Encoding

VOCABULARY = DATA / "o200k_base.tiktoken.gz"
_VOCABULARY_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"

TOKENS_PER_MESSAGE = 4
TOKENS_FOR_REPLY = 3
#: Long prompts cost more at some providers. One check or one answer is a short prompt, but a sum of them is not,
#: so the rate of a short prompt is taken and multiplied.
_SHORT_PROMPT = 1000

#: How o200k_base cuts text before merging; from tiktoken_ext/openai_public.py (tiktoken 0.14, MIT).
_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERN = "|".join(
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _ENDINGS,
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _ENDINGS,
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
_SPECIAL = {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}

#: tiktoken 0.14 dies (a panic, not an exception) on some hundred thousand blanks in a row.
_ENDLESS_BLANKS = re.compile(r"[^\S\r\n]{100000}")
_ESTIMATE = re.compile(r"[A-Za-z_]+|[0-9]{1,3}|[!-/:-@\[-^`{-~]")


class TokenCounter:
    """Counts tokens for one model; the vocabulary (75 MB in memory, 0.3 s) is loaded once.

    Exact for OpenAI's models that are known to use o200k_base (gpt-oss included, which differs in special tokens
    only). For other models, and for OpenAI's newer ones whose vocabulary is not published, the o200k count is an
    estimate. Without a sound vocabulary file a regular expression estimates: on 4,000 short English answers its
    total was 0.3 % low, single answers within 11 % in nine of ten cases; worse for German, fair for Chinese.
    ``source`` says how texts are counted, ``exact`` whether that is the model's own way.
    """

    def __init__(self, model: str, vocabulary: Path = VOCABULARY) -> None:
        self._encoding = _encoding(vocabulary)
        known = _uses_o200k(model)
        self.exact = known and self._encoding is not None
        self.source = "o200k_base" if known else f"o200k_base, assumed for {model}"
        if self._encoding is None:
            self.source = "regular expression"

    def count(self, text: str) -> int:
        """Count the tokens of a text; special tokens in it (``<|endoftext|>``) count as the text that they are."""
        if self._encoding and not _ENDLESS_BLANKS.search(text):
            return len(self._encoding.encode_ordinary(text))
        # Words, numbers of up to 3 digits, marks, and other bytes by three.
        other = sum(len(char.encode("utf-8", "surrogatepass")) for char in text if not char.isascii())
        return len(_ESTIMATE.findall(text)) + math.ceil(other / 3)

    def count_messages(self, messages: Iterable[Message]) -> int:
        """Count the input tokens of a chat prompt: an estimate, because the framing is the endpoint's.

        Added are 4 tokens a message (start, role, separator, end) and 3 that open the reply: the rule that OpenAI's
        cookbook gives for its chat models. Chat templates of other models differ by a few tokens a message.
        """
        return TOKENS_FOR_REPLY + sum(TOKENS_PER_MESSAGE + self.count(message.content) for message in messages)


def _uses_o200k(model: str) -> bool:
    from tiktoken.model import encoding_name_for_model

    name = model.lower().removeprefix("openai/")
    try:
        return name.startswith("gpt-oss") or encoding_name_for_model(name).startswith("o200k")
    except KeyError:
        return False


@lru_cache(maxsize=2)
def _encoding(vocabulary: Path) -> Encoding | None:
    """Build the encoding from a file, without tiktoken's own loader, which would ask the network for it."""
    try:
        lines = gzip.decompress(vocabulary.read_bytes())
    except (OSError, EOFError, zlib.error):
        return None
    if hashlib.sha256(lines).hexdigest() != _VOCABULARY_SHA256:
        return None
    from tiktoken import Encoding

    pairs = (line.split() for line in lines.splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    return Encoding("o200k_base", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens=_SPECIAL)


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
    counts = (usage.input_tokens - cached, cached, usage.output_tokens)
    return round(sum(count * rate for count, rate in zip(counts, rates, strict=True)), 10)


def price_note(model: str, endpoint: str = OPENAI_URL) -> str:
    """Return one line for people: what a million tokens of the model cost, and where that is written."""
    if is_loopback(endpoint):
        return f"{model}: free of charge, it runs on this machine"
    rates = _rates(model, endpoint)
    if rates is None:
        return f"{model}: the price at {endpoint} is not known"
    from genai_prices import __version__

    prices = [f"{rate * 1_000_000:.4f}".partition(".") for rate in rates]
    fresh, cached, output = (f"${dollars}.{cents.rstrip('0').ljust(2, '0')}" for dollars, _, cents in prices)
    return (
        f"{model}: {fresh} input, {cached} cached input, {output} output per million tokens "
        f"(list price, genai-prices {__version__})"
    )


@lru_cache(maxsize=64)
def _rates(model: str, endpoint: str) -> tuple[float, float, float] | None:
    """Return US dollars for one token of fresh input, of cached input, and of output."""
    from genai_prices import Usage as PricedUsage
    from genai_prices import calc_price

    def rate(**tokens: int) -> float:
        price = calc_price(PricedUsage(**tokens), model, provider_api_url=endpoint)
        return float(price.total_price) / _SHORT_PROMPT

    try:
        return (
            rate(input_tokens=_SHORT_PROMPT),
            rate(input_tokens=_SHORT_PROMPT, cache_read_tokens=_SHORT_PROMPT),
            rate(output_tokens=_SHORT_PROMPT),
        )
    except LookupError:
        return None
