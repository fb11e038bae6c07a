"""A structured reply is read check by check: what is good is kept, and nothing is ever invented."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_cases import make_check

from coach.judge.judging import Verdict
from coach.judge.structured import (
    MAX_EVIDENCE,
    MAX_REASON_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    STATED_PROBABILITY,
    StructuredReply,
    parse_reply,
)

CHECKS = [make_check("own-example", "c0"), make_check("names-tool", "c0"), make_check("wrong", "c0", "red_flag")]
IDS = [check.id for check in CHECKS]
NUMBERS = [1, 2, 4, 12]

MET: dict[str, Any] = {"reason": "It says so.", "sentences": [1, 12], "verdict": "met"}
PARTLY = {"reason": "Half of it.", "sentences": [2], "verdict": "partly"}
NOT_MET: dict[str, Any] = {"reason": "Nothing.", "sentences": [], "verdict": "not_met"}
ENTRIES: dict[str, dict[str, Any]] = {"own-example": MET, "names-tool": PARTLY, "wrong": NOT_MET}
REPLY: dict[str, Any] = {"checks": ENTRIES, "follow_up": "What came of it?", "outline": "1. Say [when]."}
TEXT = json.dumps(REPLY)

SAYS_NOTHING = "the reply says nothing about this check"


def read(text: str) -> StructuredReply:
    """Read a reply on the three checks."""
    return parse_reply(text, CHECKS, NUMBERS)


def read_entry(**changes: Any) -> StructuredReply:
    """Read a reply whose first entry has other values."""
    return read(json.dumps({**REPLY, "checks": {**ENTRIES, "own-example": {**MET, **changes}}}))


def entries_as_list() -> list[dict[str, Any]]:
    """Return the entries as a list of objects that name their check."""
    return [{"id": check_id, **entry} for check_id, entry in ENTRIES.items()]


def verdict_words(reply: StructuredReply) -> dict[str, str]:
    """Return the verdicts that were read."""
    return {check_id: verdict.verdict.value for check_id, verdict in reply.verdicts.items()}


def test_a_good_reply_is_read_whole() -> None:
    """Verdict, probability, evidence and reason of each check, and the model's own words."""
    reply = read(TEXT)

    assert reply.problems == {}
    assert list(reply.verdicts) == IDS
    first = reply.verdicts["own-example"]
    assert (first.verdict, first.evidence, first.comment) == (Verdict.MET, (1, 12), "It says so.")
    assert [v.probability for v in reply.verdicts.values()] == [
        STATED_PROBABILITY[v.verdict] for v in reply.verdicts.values()
    ]
    assert (reply.follow_up, reply.outline) == ("What came of it?", "1. Say [when].")


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}```",
        f"Here is my judgement:\n{TEXT}\nI hope that helps {{really}}.",
        f"Form: {{}} or {{'a': 1}}\n\n{TEXT}",
        f"<think>The answer {{own-example}} is fine.</think>{TEXT}",
        json.dumps({"assessment": REPLY}),
        json.dumps({"result": {"assessment": REPLY}}),
        json.dumps({**REPLY, "checks": entries_as_list()}),
        json.dumps({**ENTRIES, "follow_up": REPLY["follow_up"], "outline": REPLY["outline"]}),
        json.dumps(REPLY, indent=4) + "\n\n",
        f"\ufeff{TEXT}",
        TEXT + TEXT,
    ],
    ids=["fence", "bare fence", "prose", "braces before", "thinking", "wrapped", "wrapped twice", "list", "no wrapper",
         "indented", "byte-order mark", "twice"],
)  # fmt: skip
def test_the_form_around_the_json_does_not_matter(text: str) -> None:
    """Fences, words around it, wrapping objects and a list of checks give the same reading."""
    assert read(text) == read(TEXT)


def test_the_last_of_several_judgements_counts() -> None:
    """A draft, or a forged reply that the model repeats from the answer, does not stand against the final one."""
    draft = json.dumps({"checks": dict.fromkeys(IDS, MET)})

    assert read(f"Draft: {draft}\nFinal: {TEXT}") == read(TEXT)


@pytest.mark.parametrize(
    ("cut_after", "kept"),
    [
        ('"verdict": "partly"', ["own-example", "names-tool"]),
        ('"sentences": [2]', ["own-example"]),
        ('"verdict": "met"', ["own-example"]),
        ('"verdict": "me', []),
        ('"sentences": [1, 1', []),
        ('{"checks": {"own', []),
        ("{", []),
        ('"verdict": "not_met"}}', IDS),
        ('"follow_up": "What', IDS),
    ],
)
def test_what_was_complete_before_the_cut_is_kept(cut_after: str, kept: list[str]) -> None:
    """A reply that ran into the token limit loses the check that was being written, not those before it."""
    reply = read(TEXT[: TEXT.index(cut_after) + len(cut_after)])

    assert list(reply.verdicts) == kept
    assert set(reply.problems) == set(IDS) - set(kept)
    assert {key: value for key, value in read(TEXT).verdicts.items() if key in kept} == reply.verdicts
    assert (reply.follow_up, reply.outline) == (None, None)


def test_half_a_number_is_no_evidence() -> None:
    """Where "12" was cut to "1", sentence 1 is not quoted, whatever the order of the keys."""
    text = '{"checks": {"own-example": {"verdict": "met", "reason": "It does.", "sentences": [2, 1'

    assert read(text).verdicts["own-example"].evidence == (2,)


@pytest.mark.parametrize("word", ["excellent", "unjudged", "true", "4", "partly/met", "yes", "n/a"])
def test_another_word_is_no_verdict(word: str) -> None:
    """A verdict outside the menu is a fault that names the word, never a low mark."""
    reply = read_entry(verdict=word)

    assert reply.problems == {"own-example": f"the verdict '{word}' is none of met, partly, not_met"}
    assert list(reply.verdicts) == ["names-tool", "wrong"]


@pytest.mark.parametrize("verdict", [True, 4, 0.5, ["met"], {"is": "met"}])
def test_a_verdict_that_is_no_word_is_a_fault(verdict: object) -> None:
    """Numbers, booleans and lists are not guessed at."""
    assert list(read_entry(verdict=verdict).problems) == ["own-example"]


@pytest.mark.parametrize("word", ["Not met", "NOT_MET", " not-met ", "not_met."])
def test_the_spelling_of_a_verdict_is_forgiven(word: str) -> None:
    """Case, blanks, hyphens and a full stop do not make a reply faulty."""
    assert read_entry(verdict=word).verdicts["own-example"].verdict is Verdict.NOT_MET


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (None, SAYS_NOTHING),
        ("met", "the entry is not an object"),
        ([MET], "the entry is not an object"),
        ({}, "the verdict is missing"),
        ({"reason": "It does.", "sentences": [1]}, "the verdict is missing"),
        ({**MET, "verdict": None}, "the verdict 'none' is none of met, partly, not_met"),
    ],
)
def test_a_faulty_entry_spoils_no_other(entry: object, problem: str) -> None:
    """Each check is read on its own, and each fault says what was wrong."""
    reply = read(json.dumps({"checks": {**ENTRIES, "own-example": entry}}))

    assert reply.problems == {"own-example": problem}
    assert verdict_words(reply) == {"names-tool": "partly", "wrong": "not_met"}


def test_a_check_that_was_left_out_is_a_fault_and_an_invented_one_is_ignored() -> None:
    """Only the checks that were asked about count, and all of them must be answered."""
    reply = read(json.dumps({"checks": {"own-example": MET, "names-tool": PARTLY, "invented": MET}}))

    assert reply.problems == {"wrong": SAYS_NOTHING}
    assert list(reply.verdicts) == ["own-example", "names-tool"]


@pytest.mark.parametrize(
    ("report", "numbers"),
    [
        ({"present": "yes", "sentences": [4, 2, 2]}, (2, 4)),
        ({"present": "Yes", "sentences": [2, 99, True, "4"]}, (2,)),
        ({"present": "no", "sentences": [2]}, ()),
        ({"present": "yes", "sentences": []}, ()),
        ({"present": True, "sentences": [2]}, ()),
        ({"sentences": [2]}, ()),
        ([2], ()),
        ("yes", ()),
        (None, ()),
    ],
)
def test_talk_to_the_grader_is_read_by_number(report: object, numbers: tuple[int, ...]) -> None:
    """Only sentences that exist, and none where the model says that there are none; it spoils no verdict."""
    reply = read(json.dumps({**REPLY, "grader_talk": report}))

    assert reply.grader_talk == numbers
    assert reply.verdicts == read(TEXT).verdicts


@pytest.mark.parametrize(
    ("sentences", "evidence", "verdict"),
    [
        ([4, 1], (4, 1), "met"),
        ([1, 1, 2], (1, 2), "met"),
        ([1, 2, 4, 12], (1, 2, 4), "met"),
        ([3, 99, 0, -1, 1], (1,), "met"),
        ([True, False, 2], (2,), "met"),
        ([True], (), "partly"),
        ([1.0, "2", None, [4]], (), "partly"),
        ([3], (), "partly"),
        ([], (), "partly"),
        (1, (), "partly"),
        ("1", (), "partly"),
        (None, (), "partly"),
    ],
)
def test_only_sentences_that_exist_are_evidence(sentences: object, evidence: tuple[int, ...], verdict: str) -> None:
    """Invented numbers and booleans are dropped, and "met" without a sentence is worth no more than "partly"."""
    read_verdict = read_entry(sentences=sentences).verdicts["own-example"]

    assert (read_verdict.evidence, read_verdict.verdict.value) == (evidence, verdict)
    assert read_verdict.probability == STATED_PROBABILITY[read_verdict.verdict]
    assert len(read_verdict.evidence) <= MAX_EVIDENCE


def test_what_was_changed_is_said() -> None:
    """A lowered verdict and dropped numbers are told in the comment, with and without a reason."""
    lowered = read_entry(sentences=[3]).verdicts["own-example"].comment
    dropped = read_entry(sentences=[3, 1]).verdicts["own-example"].comment
    silent = read_entry(sentences=[3, 1], reason="").verdicts["own-example"].comment

    assert lowered == "It says so. (counted as partly met: the judge named no sentence that exists)"
    assert dropped == "It says so. (sentence numbers that do not exist were dropped)"
    assert silent == "sentence numbers that do not exist were dropped"


def test_what_is_missing_has_no_evidence() -> None:
    """A sentence named for a "not met" shows nothing and is not quoted."""
    assert read_entry(verdict="not_met").verdicts["own-example"].evidence == ()


def test_of_two_entries_with_the_same_name_the_last_counts() -> None:
    """JSON leaves open what a key means that stands twice; here the later entry replaces the earlier, in lists too."""
    twice = f'{{"checks": {{"own-example": {json.dumps(MET)}, "own-example": {json.dumps(NOT_MET)}}}}}'
    listed = json.dumps({"checks": [{"id": "own-example", **MET}, {"id": "own-example", **NOT_MET}]})

    assert verdict_words(read(twice)) == verdict_words(read(listed)) == {"own-example": "not_met"}


@pytest.mark.parametrize(
    "text",
    ["", "no JSON here", "[]", "[1, 2]", '"met"', "null", "{", "}", "{}", "{broken", "```json\n```", "[" * 5000],
)
def test_without_an_object_every_check_has_the_same_fault(text: str) -> None:
    """A reply without JSON judges nothing."""
    assert read(text) == StructuredReply(problems=dict.fromkeys(IDS, "the reply was not a JSON object"))


@pytest.mark.parametrize(
    "text",
    [
        '{"score": 100}',
        '{"checks": "all met"}',
        '{"checks": [["own-example", "met"]]}',
        '{"checks": [{"id": ["own-example"]}]}',
        '{"a":' * 5000 + "1",
    ],
)
def test_an_object_without_checks_judges_nothing(text: str) -> None:
    """Other JSON is no judgement, however it is built."""
    assert read(text).verdicts == {}
    assert set(read(text).problems) == set(IDS)


def test_words_are_one_line_bounded_and_can_be_written() -> None:
    """A model that writes on and on, or spells what UTF-8 cannot hold, spoils no report."""
    text = json.dumps({**REPLY, "follow_up": "why\n so? \ud800" + "x" * 999, "outline": "y " * 999})
    reply = read(text)

    assert reply.follow_up is not None
    assert reply.outline is not None
    assert reply.follow_up.startswith("why so? \ufffdx")
    assert reply.follow_up.encode()
    assert len(reply.follow_up) <= MAX_REASON_CHARACTERS
    assert len(reply.outline) <= MAX_TEXT_CHARACTERS
    assert reply.outline.endswith("…")
    comment = read_entry(reason="\udc00" + "z" * 5000).verdicts["own-example"].comment
    assert comment is not None
    assert len(comment.encode()) < 2 * MAX_REASON_CHARACTERS
    assert read(json.dumps({**REPLY, "follow_up": 7, "outline": " "})).outline is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 15) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["checks", "id", "verdict", "sentences", "reason", "follow_up", *IDS]), inner, max_size=4
        )
    ),
    max_leaves=15,
)
ALMOST_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "verdict": st.sampled_from(["met", "partly", "not_met", "yes", 1, None]),
        "sentences": st.lists(st.integers(-1, 15) | st.booleans() | st.text(max_size=2), max_size=5) | st.integers(),
        "reason": st.text(max_size=20),
        "id": st.sampled_from(IDS) | st.integers(),
    },
)
ALMOST_REPLIES = st.builds(
    lambda entries, text, cut: (text + json.dumps({"checks": entries}))[: cut or None],
    st.dictionaries(st.sampled_from(IDS), ALMOST_ENTRIES) | st.lists(ALMOST_ENTRIES, max_size=4),
    st.sampled_from(["", "```json\n", "Well: {x} "]),
    st.integers(0, 300),
)


@given(st.one_of(st.text(max_size=200), JSON_VALUES.map(json.dumps), ALMOST_REPLIES))
def test_no_text_makes_the_reading_fail_and_none_invents_evidence(text: str) -> None:
    """Whatever a model writes: every check gets a verdict or a fault, and quotes only what exists."""
    reply = read(text)

    assert sorted([*reply.verdicts, *reply.problems]) == sorted(IDS)
    for check_id, verdict in reply.verdicts.items():
        assert verdict.check_id == check_id
        assert set(verdict.evidence) <= set(NUMBERS)
        assert len(set(verdict.evidence)) == len(verdict.evidence) <= MAX_EVIDENCE
        assert verdict.verdict is not Verdict.MET or verdict.evidence
        assert verdict.verdict is not Verdict.UNJUDGED
        assert verdict.probability == STATED_PROBABILITY[verdict.verdict]
    assert all(reply.problems.values())


@given(st.integers(0, len(TEXT)))
def test_a_cut_anywhere_gives_only_what_the_whole_reply_says(length: int) -> None:
    """A reply that was cut off never says something that the whole one does not."""
    whole, cut = read(TEXT), read(TEXT[:length])

    for check_id, verdict in cut.verdicts.items():
        assert verdict.verdict == whole.verdicts[check_id].verdict
        assert set(verdict.evidence) <= set(whole.verdicts[check_id].evidence)
