"""A story is told in the past tense; knowledge, habits, plans and suppositions are not."""

from __future__ import annotations

import pytest
from assessment_factory import shipped_bank
from hypothesis import given
from hypothesis import strategies as st

from coach.judge.events import EXPERIENCE, tells_event, told_events


@pytest.mark.parametrize(
    "text",
    [
        "I traced it to a duplicate address on a new printer.",
        "We then quickly rebuilt the index.",
        "i found out that the queue was full",
        "In March the second CT stopped sending, and we lost a morning.",
        "One night the archive was down for an hour.",
        "In 2020 I set up TLS for the router.",
        "At my last hospital the vendor was late with the patch.",
        "Our server failed two years ago.",
        "He said that it would take an hour, so I called the radiologist myself and told her.",
    ],
)
def test_what_happened_is_an_event(text: str) -> None:
    """The speaker did something, or something happened at a time that is said."""
    assert tells_event(text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I test the backup every month.",
        "I would check the network first.",
        "If I lost the database, I would restore it from tape.",
        "Suppose we needed a copy, then the vendor would send one.",
        "I need a list of the studies.",
        "We need to proceed with care.",
        "I used to like that work.",
        "I never lost a study.",
        "I usually took the early train.",
        "I only supported what others had built.",
        "The database stores the header fields.",
        "Images are compressed before they are sent.",
        "The vendor configured the interface.",
        "One day the disk will be full.",
        "When we upgrade, radiologists get a notice.",
        "I set up alerts and read the log.",
    ],
)
def test_everything_else_is_none(text: str) -> None:
    """Habits, rules, plans, claims, suppositions, what did not happen and what others did."""
    assert tells_event(text) == 0.0


@pytest.mark.parametrize(
    "text",
    ["I have solved countless problems like this.", "We've often seen that.", "I have looked after old ones."],
)
def test_experience_without_an_occasion_is_half_an_event(text: str) -> None:
    """The present perfect claims that something was done and tells of no time when it was."""
    assert tells_event(text) == EXPERIENCE


def test_other_languages_are_not_guessed_at() -> None:
    """Nothing follows from grammar that is not known."""
    assert told_events(["Ich habe es gefunden."], "de") is None
    assert told_events(["I found it.", "It is a standard."], "en") == [1.0, 0.0]


@given(
    st.lists(st.sampled_from(["I", "we", "found", "need", "tested", "ago", "last", "year", "if", "would", ",", "."]))
)
def test_the_case_of_letters_does_not_matter(words: list[str]) -> None:
    """People who type in a hurry leave out capitals."""
    text = " ".join(words)

    assert tells_event(text.lower()) == tells_event(text.upper()) == tells_event(text)


def test_the_shipped_examples_of_own_work_tell_events() -> None:
    """What a bank's author gives as an own example is told as one, and what is none is not."""
    checks = [c for r in shipped_bank().rubrics.values() for c in r.checks if c.needs_event and c.id != "result-stated"]
    told = [tells_event(text) for check in checks for text in check.examples]
    others = [tells_event(text) for check in checks for text in check.counter_examples]

    assert checks
    assert sum(told) >= 0.9 * len(told)
    assert sum(others) <= 0.1 * len(others)
