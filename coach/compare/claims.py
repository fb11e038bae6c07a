"""Facts that only the new version states, and that the question does not hold: the candidate must be able to back them.

An interviewer will ask about a number or a product that suddenly stands in an answer, and some revisions invent them
or copy them from an advice, which is no source of facts about anybody. This is purely lexical and prefers silence to a
false alarm: a number is known when its value stands anywhere in what is known, a name when its letters do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

from coach.answer.sentences import split_sentences
from coach.bank.questions import Bank, Question
from coach.compare.result import NewClaim
from coach.judge.similarity import stems
from coach.submit.assessment import Evidence

#: Where a claim stands in its sentence.
_Place = tuple[int, int, Literal["number", "name"]]

# --- names

#: Languages that write every noun with a capital, where a capital tells nothing.
_CAPITAL_NOUNS = {"de", "lb"}
#: A word with digits, dots and the like inside: "C-STORE", "HL7", "Log4j", "Dell's".
_WORD = re.compile(r"[^\W_]+(?:[.'’&/-][^\W_]+)*")
_PARTS = re.compile(r"[^\W_]+")
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{2,60}\]")
#: Behind these a capital says only that a sentence begins.
_OPENING = re.compile(r"(?:^\W*|[.!?:;…\"“”„][\s*_\"“„(]*)$")
_MIXED = re.compile(r"[^\W\d_]*[a-z][A-Z]|[A-Z]{2,}[a-z]{2,}")
#: Written with a capital, or in capitals, by everybody.
_EVERYDAY = set(
    _PARTS.findall(
        "i mr mrs ms dr ok am pm ceo cto hr it eg ie asap faq pc pdf english "
        "monday tuesday wednesday thursday friday saturday sunday "
        "january february march april may june july august september october november december"
    )
)
#: Longer ones are products and certificates more often than not.
_ABBREVIATION = re.compile(r"\b[A-Z]{2,3}\b")
#: The share of capital letters from which a sentence is shouted, that of capitalised words from which it is a heading.
_SHOUTED, _TITLED, _MIN_TITLE_WORDS = 0.5, 0.6, 3

# --- numbers

_UNITS = _PARTS.findall(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = _PARTS.findall("twenty thirty forty fifty sixty seventy eighty ninety")
_IN_WORDS = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{ten: 10 * value for value, ten in enumerate(_TENS, 2)},
    **{f"{ten}-{_UNITS[one]}": 10 * value + one for value, ten in enumerate(_TENS, 2) for one in range(1, 10)},
}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?:[$€£]\s?)?"
    rf"(?P<value>\d+(?:[.,:]\d+)*|(?:{'|'.join(sorted(_IN_WORDS, key=len, reverse=True))})(?!\w))?"
    rf"(?P<scale>\s?(?:{'|'.join(_SCALES)})(?!\w))?"
    r"(?P<unit>\s?%|[a-zµ]{1,4}(?!\w))?(?![\w/])",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ORDINAL = ("st", "nd", "rd", "th")
_NEXT_WORD = re.compile(r"[\s-]([^\W\d_]+(?:-[^\W\d_]+)*)")
_LAST_WORD = re.compile(r"([^\W\d_]+)\s*$")
#: "One" and "two" in words are hardly ever facts ("one of them").
_SMALLEST_IN_WORDS = 3
_LARGEST_LIST_NUMBER = 20
#: What an answer counts off ("three things matter", "step 2").
_COUNTED_OFF = set(
    _PARTS.findall(
        "area example group kind item number part phase point question reason rule section side stage step thing time "
        "type way"
    )
)


def new_claims(new: str, old: str, bank: Bank, question: Question) -> list[NewClaim]:
    """Return the numbers and names that only the new answer states, in their order.

    No number of the old answer or of the question with its points counts, and no name that any text of the bank holds
    beside its advice: the vocabulary of the profession is nobody's claim. Each fact is named once, with the first
    sentence that states it.
    """
    # Its sentences as well: "A0.¹" is one word, unless a sentence ends in it.
    sentences = [old[sentence.start : sentence.end] for sentence in split_sentences(old, bank.language)]
    told = [old, *sentences, *_question_texts(bank, question)]
    lower = [match[0] for match in _WORD.finditer(new) if match[0].islower()]
    words = _bank_vocabulary(tuple(_bank_texts(bank))) | _vocabulary((*told, *lower)) | _EVERYDAY
    numbers = known_numbers(told)
    claims = []
    for sentence in split_sentences(new, bank.language):
        quote = new[sentence.start : sentence.end]
        evidence = Evidence(sentence=sentence.number, start=sentence.start, end=sentence.end, quote=quote)
        places = [*_names_in(quote, words, bank.language), *_numbers_in(quote, numbers)]
        for start, end, kind in _joined(sorted(places), quote):
            a, b = sentence.start + start, sentence.start + end
            claims.append(NewClaim(kind=kind, claim=new[a:b], start=a, end=b, evidence=evidence))
    return claims


def _question_texts(bank: Bank, question: Question) -> Iterator[str]:
    """Yield what the candidate was asked and told about it; not the advice, whose facts are nobody's."""
    yield from (question.text, *question.asked_as, question.rationale, *question.follow_ups)
    yield from (check.statement for check in bank.checks_of(question))


def _bank_texts(bank: Bank) -> Iterator[str]:
    """Yield what a bank says beside its advice.

    Of the example sentences only the abbreviations count: those are words of the trade, where the names are somebody's
    claims.
    """
    yield from (bank.title, bank.profession)
    for question in bank.questions:
        yield from (*_question_texts(bank, question), *question.sources)
        for check in bank.checks_of(question):
            for text in (*check.examples, *check.counter_examples):
                yield from _ABBREVIATION.findall(text)
    for rubric in bank.rubrics.values():
        yield rubric.description
        for criterion in rubric.criteria:
            yield from (criterion.title, *(level.descriptor for level in criterion.levels))


def _joined(places: list[_Place], text: str) -> list[_Place]:
    """Join names in a row, and a name and the number right behind it ("Windows 11"); drop what lies inside another."""
    joined: list[_Place] = []
    for start, end, kind in places:
        last_start, last_end, last_kind = joined[-1] if joined else (0, -1, kind)
        if start < last_end or (last_kind == "name" and text[last_end:start] == " "):
            joined[-1] = (last_start, max(end, last_end), last_kind)
        else:
            joined.append((start, end, kind))
    return joined


def _names_in(text: str, known: set[str], language: str) -> Iterator[_Place]:
    """Yield the words of names in one sentence that are not known: acronyms and capitalised words; they become known.

    A capitalised word counts only inside a sentence, and not in a heading.
    """
    letters = [char for char in text if char.isalpha()]
    if len(letters) > 8 and sum(char.isupper() for char in letters) > _SHOUTED * len(letters):
        return
    hidden = [match.span() for match in _PLACEHOLDER.finditer(text)]
    words = [w for w in _WORD.finditer(text) if not any(start <= w.start() < end for start, end in hidden)]
    capitals = sum(word[0][0].isupper() for word in words)
    ends = text.rstrip('*_ "”’)').endswith((".", "!", "?"))
    is_heading = not ends and len(words) >= _MIN_TITLE_WORDS and capitals >= _TITLED * len(words)
    capitals_tell = language not in _CAPITAL_NOUNS and not is_heading
    for word in words:
        name = _without_ending(word[0])
        if _forms(word[0]) & known or all(part.casefold() in known for part in _PARTS.findall(name)):
            continue
        # A capital letter alone says nothing about words of one or two letters.
        capitalised = capitals_tell and name[0].isupper() and sum(char.isalpha() for char in name) > 2
        if _is_spelled_as_name(name) or (capitalised and not _OPENING.search(text[: word.start()])):
            known.update(_forms(word[0]))
            yield word.start(), word.end(), "name"


def _is_spelled_as_name(word: str) -> bool:
    """Return whether a word is written as only names are: an acronym, capitals or digits inside."""
    capitals = sum(char.isupper() for char in word)
    acronym = capitals >= 2 and not any(char.islower() for char in word)
    return word[:1].isalpha() and bool(acronym or _MIXED.match(word) or any(char.isdigit() for char in word))


def _vocabulary(texts: tuple[str, ...]) -> set[str]:
    return {form for text in texts for match in _WORD.finditer(text) for form in _forms(match[0])}


#: A series of versions is compared under one bank, whose texts are long.
_bank_vocabulary = lru_cache(maxsize=2)(_vocabulary)


def _forms(word: str) -> set[str]:
    """Return the ways in which the same word may be written elsewhere: without ending, without its plural."""
    bare = _without_ending(word).casefold()
    return {bare, bare.removesuffix("s"), re.sub(r"[\W_]", "", bare)}


def _without_ending(word: str) -> str:
    return re.sub(r"['’]\w{0,2}$", "", word)


def known_numbers(texts: Iterable[str]) -> set[str]:
    """Return the values of all numbers in some texts."""
    return {value for text in texts for match in _NUMBER.finditer(text) if (value := _value(match)) is not None}


def _numbers_in(text: str, known: set[str]) -> Iterator[_Place]:
    """Yield the numbers in one sentence whose value is not known, each with the word it counts; they become known.

    List numbers, ordinals, small numbers in words and "100 %" are no facts.
    """
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if value is None or value in known:
            continue
        following = _NEXT_WORD.match(text, match.end())
        counted = following[1].casefold() if following else ""
        if _is_idle(match, value, text, counted):
            continue
        known.add(value)
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        with_word = following is not None and not match["unit"] and stems(counted)
        yield start, following.end() if following and with_word else match.end(), "number"


def _value(match: re.Match[str]) -> str | None:
    """Return the value as text, such as 40000 for "40 thousand" and 40,000; None for an empty match."""
    written, scale = (match["value"] or "").casefold(), (match["scale"] or "").strip().casefold()
    if not written and not scale:
        return None
    if _THOUSANDS.fullmatch(written):
        written = written.replace(",", "")
    try:
        number = float(_IN_WORDS.get(written, written or 1)) * _SCALES.get(scale, 1)
    except ValueError:
        return written
    return f"{number:.12g}"


def _is_idle(match: re.Match[str], value: str, text: str, counted: str) -> bool:
    """Return whether a number is no fact; ``counted`` is the word behind it."""
    before = _LAST_WORD.search(text, 0, match.start())
    around = [counted, *([before[1].casefold()] if before else [])]
    if any(word in _COUNTED_OFF or word.removesuffix("s") in _COUNTED_OFF for word in around):
        return True
    unit = (match["unit"] or "").strip().casefold()
    if value == "100" and (unit == "%" or counted in ("percent", "per")):
        return True
    if match["value"] and match["value"][0].isdigit():
        return unit in _ORDINAL or _is_list_number(match, text)
    small = float(value) < _SMALLEST_IN_WORDS or (float(value) <= len(_UNITS) and not stems(counted))
    return small and not match["scale"]


def _is_list_number(match: re.Match[str], text: str) -> bool:
    """Return whether a number only numbers a point: at the start of a line, or before a bracket."""
    if not match[0].strip().isdigit() or int(match[0]) > _LARGEST_LIST_NUMBER:
        return False
    at_start = not text[: match.start()].strip(" \t(*#-")
    following = text[match.end() : match.end() + 1]
    return following == ")" or (at_start and following in ".:")
