"""Tests of coach.judge.prompt_counting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.judge.prompt_counting import PromptCounter
from coach.model.completion import CompletionRequest, Message
from coach.model.cost import TokenCounter


def request(*texts: str, most: int = 10) -> CompletionRequest:
    """Return a request of these messages."""
    return CompletionRequest(tuple(Message("user", text) for text in texts), max_tokens=most)


def words(text: str) -> int:
    """Count words."""
    return len(text.split())


def test_what_repeats_is_told_apart() -> None:
    """The common beginning of two requests counts as input twice and as repeated once."""
    counter = PromptCounter(words, per_message=4, per_request=3)
    counter.add("q", request("rules of the game", "a long question\nfirst answer"))
    counter.add("q", request("rules of the game", "a long question\nsecond answer here"))

    total = counter.total
    assert total.requests == 2
    assert total.input_tokens == 2 * (3 + 4 + 4) + (4 + 5) + (4 + 6)
    assert total.repeated_tokens == (4 + 4) + 3
    assert total.max_output_tokens == 20


def test_groups_do_not_share() -> None:
    """Only requests of one group count as beginning alike."""
    counter = PromptCounter(words, 0, 0)
    counter.add("one", request("the same\nx"))
    counter.add("two", request("the same\ny"))

    assert counter.total.repeated_tokens == 0


def test_a_request_to_the_letter_is_sent_once() -> None:
    """A baseline that every row would ask for is counted once."""
    counter = PromptCounter(words, 0, 0)
    for _ in range(3):
        counter.add("q", request("a baseline"))

    assert (counter.total.requests, counter.total.input_tokens) == (1, 2)


@given(st.lists(st.text(alphabet="ab /\n.,1é'", max_size=60), min_size=1, max_size=5))
def test_cutting_changes_no_count(texts: list[str]) -> None:
    """The sum over the pieces is the count of the whole texts with the real vocabulary."""
    tokens = TokenCounter("gpt-4o")
    counter = PromptCounter(tokens.count, 0, 0)
    prefix = "Question: what is it?\nAnswer:\n"
    for text in texts:
        counter.add("q", request(prefix + text))

    assert counter.total.input_tokens == sum(tokens.count(prefix + text) for text in dict.fromkeys(texts))
