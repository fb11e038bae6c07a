"""The receipt in words: what judged the answer, where, how long it took, and what it cost."""

from __future__ import annotations

from datetime import UTC, datetime

from coach.model.choose import is_loopback
from coach.report.display_text import one_line
from coach.submit.assessment import Receipt

_OWN_MACHINE = "your own machine"


def receipt_lines(receipt: Receipt, *, judged: bool = True) -> tuple[tuple[str, ...], ...]:
    """Return two lines as their parts: who judged at what cost, and what is needed to judge the same way again.

    Without a single verdict (``judged`` False) the receipt does not claim one.
    """
    never_asked = receipt.input_tokens == 0 and receipt.output_tokens == 0
    where = f"{one_line(receipt.model)} at {one_line(receipt.endpoint)}"
    tokens = _tokens(receipt)
    if judged:
        usage = [f"Judged by {where} in {seconds_text(receipt.seconds)}", *tokens, f"cost: {cost_text(receipt)}"]
    elif never_asked:
        usage = ["No model was asked, and the answer was sent nowhere"]
    else:
        usage = [f"Nothing was judged by {where}", *tokens, f"cost: {cost_text(receipt)}"]
    origin = [
        f"method {one_line(receipt.judge)}",
        f"prompts {one_line(receipt.prompt_version)}",
        f"coach {one_line(receipt.coach_version)}",
        *([f"calibration {one_line(receipt.calibration)}"] if receipt.calibration else []),
        _moment(receipt.created_at),
    ]
    return tuple(usage), tuple(origin)


def cost_text(receipt: Receipt) -> str:
    """Return the cost in words; an unknown price is never shown as free."""
    own = is_loopback(receipt.endpoint)
    cost = receipt.cost_usd
    if cost is None:
        return f"none known ({_OWN_MACHINE})" if own else "unknown (no price known for this model)"
    if cost == 0:
        return f"none ({_OWN_MACHINE})" if own else "none"
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.5f}".rstrip("0") if cost >= 0.00001 else "less than $0.00001"


def seconds_text(seconds: float) -> str:
    """Return a duration: tenths of a second below a minute, else minutes and seconds."""
    if seconds < 59.95:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} seconds"


def _tokens(receipt: Receipt) -> list[str]:
    if not receipt.input_tokens and not receipt.output_tokens:
        return []
    parts = []
    if receipt.input_tokens is not None:
        cached = f" ({receipt.cached_tokens:,} cached)" if receipt.cached_tokens else ""
        parts.append(f"{receipt.input_tokens:,} tokens read{cached}")
    if receipt.output_tokens is not None:
        parts.append(f"{receipt.output_tokens:,} written" if parts else f"{receipt.output_tokens:,} tokens written")
    return [", ".join(parts)] if parts else []


def _moment(created_at: str) -> str:
    try:
        moment = datetime.fromisoformat(created_at)
    except ValueError:
        return one_line(created_at)
    if moment.tzinfo is None:
        return f"{moment:%Y-%m-%d %H:%M}"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
