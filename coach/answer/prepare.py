"""What can be said about an answer before any model is asked: what is judged, what is not, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from coach.answer.answer import Answer, AssessmentWarning, Sentence
from coach.answer.grader_talk import hidden_characters, instruction_signal
from coach.answer.sentences import clean, shortened, split_sentences
from coach.bank.questions import Question

#: In fewer words, sharing the question's words says nothing: a right answer may name what was asked about.
_MIN_WORDS_FOR_COPY = 8
#: Far more than a spoken answer of ten minutes; the rest is shown but not judged.
MAX_WORDS = 1500
#: The same bound for text without spaces.
MAX_CHARACTERS = 10_000
#: Share of a sentence's words that also stand in the question or its rationale.
_COPIED_SHARE = 0.9
_MIN_WORDS_FOR_LANGUAGE = 5
#: At most so many words make a scrap that ends like a sentence, or a heading or label that does not.
_SCRAP_WORDS, _LABEL_WORDS = 3, 5
#: So many of them in a row, before and after a sentence that is not judged, belong to it.
MAX_FRAGMENTS = 4
#: Sentences in another language lie beyond 50, lists of technical terms may reach 15.
_LANGUAGE_MARGIN = 25.0
#: Sentences with this share of the words settle the language of all when they agree.
_SETTLING_SHARE = 0.8

#: Returns (language, margin of its log-probability over the expected language).
IdentifyLanguage = Callable[[str, str], tuple[str, float]]
#: Tells for all sentences of one answer which of them talk to a grader, by their meaning.
DetectInstructions = Callable[[Sequence[str]], list[bool]]

#: Scripts written without spaces between words (Thai to Khmer, kana, Han): each character counts as a word.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_LETTER = rf"[^\W_{_SPACELESS}]"
_WORDS = re.compile(rf"[{_SPACELESS}]|{_LETTER}+(?:['’-]{_LETTER}+)*")
#: Words in brackets, or within a sentence a value; not a footnote or what a program prints, such as "IS [12]".
_PLACEHOLDER = re.compile(
    r"\[(?=[^\[\]\n]*[a-z])[^\W_][\w ,;:.'’/&%-]{1,59}\]|(?<=[a-z,]\s)\[[A-Z0-9][A-Z0-9 ,.:%-]{1,59}\]"
)
_LATIN_LANGUAGES = frozenset(
    ["en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "no", "nb", "fi", "pl", "cs", "ro", "hu", "tr"]
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def prepare_answer(
    text: str,
    question: Question,
    language: str,
    identify: IdentifyLanguage | None = None,
    detect: DetectInstructions | None = None,
) -> Answer:
    """Split an answer into sentences, mark those that must not be judged, and collect warnings.

    Sentences that talk to a grader, and single sentences in another language than the rest, are marked as
    instructions. ``unscored_reason`` is set when there is nothing to judge: empty, too short, or a copy
    of the question.
    """
    # Halves of surrogate pairs are no text: they could neither be sent nor written. All offsets stay.
    text = _SURROGATES.sub("\ufffd", text)
    # Sentences and the whole text are asked about more than once.
    identify = lru_cache(maxsize=None)(identify) if identify else None
    kept, too_long = _cut(text, split_sentences(text, language))
    main = _main_language(kept, language, identify) if identify else language
    sentences, warnings = _mark(kept, main, identify, detect)
    warnings += too_long
    hidden = hidden_characters(text)
    if hidden:
        warnings.append(
            _warning("hidden_text", f"The answer contains {hidden} invisible characters; they were not judged.")
        )
    if _PLACEHOLDER.search(text):
        warnings.append(
            _warning("placeholder", "The answer still contains a [placeholder]; replace it by your own facts.")
        )
    judged = [sentence for sentence in sentences if not sentence.instruction]
    if main != language:
        warnings.append(
            _warning(
                "other_language",
                f"The answer seems to be written in another language ({main}) than the questions ({language}); "
                "the judge was measured on the questions' language only.",
            )
        )
    return Answer(text, tuple(sentences), tuple(warnings), _unscored_reason(text, judged, question))


def words(text: str) -> list[str]:
    """Return the words of a text, case folded."""
    return [word.casefold() for word in _WORDS.findall(text)]


@lru_cache(maxsize=1024)
def _word_count(text: str) -> int:
    return len(_WORDS.findall(text))


def _mark(
    sentences: list[Sentence],
    main: str,
    identify: IdentifyLanguage | None,
    detect: DetectInstructions | None,
) -> tuple[list[Sentence], list[AssessmentWarning]]:
    suspicious = detect([s.text for s in sentences]) if detect else [False] * len(sentences)
    reasons: list[str | None] = []
    for sentence, suspect in zip(sentences, suspicious, strict=True):
        reason = instruction_signal(sentence.text)
        if reason is None and suspect:
            reason = "is about the grading, not about the question"
        if reason is None and _is_foreign(sentence.text, main, identify):
            reason = "is in another language than the rest"
        reasons.append(reason)
    marked, warnings = [], []
    for sentence, reason in zip(sentences, _with_fragments(sentences, reasons), strict=True):
        if reason:
            text = f"Sentence {sentence.number} {reason}; it was not judged: “{shortened(sentence.text)}”"
            warnings.append(_warning("instruction_in_answer", text))
        marked.append(replace(sentence, instruction=True) if reason else sentence)
    return marked, warnings


def _with_fragments(sentences: Sequence[Sentence], reasons: Sequence[str | None]) -> list[str | None]:
    """Give a reason to the headings, labels and scraps around a sentence that has one: they belong to it."""
    spread = list(reasons)
    for start, reason in enumerate(reasons):
        for step in (1, -1) if reason else ():
            for index in range(start + step, start + step * (MAX_FRAGMENTS + 1), step):
                if not (0 <= index < len(spread) and _is_fragment(sentences[index].text, after=step > 0)):
                    break
                spread[index] = spread[index] or "is a scrap beside one that was not judged"
    return spread


def _is_fragment(text: str, after: bool) -> bool:
    if text.rstrip().endswith((".", "!", "?")):
        # What stands before an order may be the end of an honest answer.
        return after and _word_count(text) <= _SCRAP_WORDS
    return _word_count(text) <= _LABEL_WORDS


def _main_language(sentences: Sequence[Sentence], language: str, identify: IdentifyLanguage) -> str:
    """Return the language of all sentences together: the expected one, unless another is clearly likelier.

    As a rule nearly every sentence is in the expected language by itself, which has to be found out anyway; then the
    whole text, which takes as long again, is not looked at.
    """
    counts = [_word_count(sentence.text) for sentence in sentences]
    telling = [item for item, count in zip(sentences, counts, strict=True) if count >= _MIN_WORDS_FOR_LANGUAGE]
    settled = sum(count for count in counts if count >= _MIN_WORDS_FOR_LANGUAGE) >= _SETTLING_SHARE * sum(counts)
    if settled and all(identify(sentence.text, language)[0] == language for sentence in telling):
        return language
    if sum(counts) < _MIN_WORDS_FOR_LANGUAGE:
        return language
    found, margin = identify(" ".join(sentence.text for sentence in sentences), language)
    return found if margin > _LANGUAGE_MARGIN else language


def _is_foreign(text: str, main: str, identify: IdentifyLanguage | None) -> bool:
    if identify is None:
        return False
    if main in _LATIN_LANGUAGES and _in_another_script(text):
        return True
    if _word_count(text) < _MIN_WORDS_FOR_LANGUAGE:
        return False
    found, margin = identify(text, main)
    return found != main and margin > _LANGUAGE_MARGIN


def _in_another_script(text: str) -> bool:
    """Whether most letters, of six at least, are not Latin ones."""
    if text.isascii():
        return False
    letters = [char for char in text if char.isalpha()]
    return len(letters) >= 6 and sum(char < "\u0250" for char in letters) < len(letters) / 2


def _cut(text: str, sentences: list[Sentence]) -> tuple[list[Sentence], list[AssessmentWarning]]:
    """Keep whole sentences up to MAX_WORDS, and of a longer first one its beginning; says how much was left out."""
    words_left, characters_left = MAX_WORDS, MAX_CHARACTERS
    for index, sentence in enumerate(sentences):
        words_left -= len(sentence.text.split())
        characters_left -= len(sentence.text)
        if words_left < 0 or characters_left < 0:
            kept = sentences[:index] or [_beginning(text, sentence)]
            left_out = len(sentences) - len(kept)
            judged = f"the first {index} sentences were judged, the last {left_out} were not."
            if index == 0:
                judged = "only the beginning of its first sentence was judged."
            return kept, [_warning("too_long", f"The answer is far longer than an interview answer: {judged}")]
    return sentences, []


def _beginning(text: str, sentence: Sentence) -> Sentence:
    """Return the sentence up to MAX_WORDS and MAX_CHARACTERS of the answer as given."""
    end = min(sentence.end, sentence.start + MAX_CHARACTERS)
    for count, match in enumerate(re.finditer(r"\S+", text[sentence.start : end]), 1):
        if count == MAX_WORDS:
            end = sentence.start + match.end()
            break
    return replace(sentence, end=end, text=clean(text[sentence.start : end]))


def _unscored_reason(text: str, judged: Sequence[Sentence], question: Question) -> str | None:
    if not text.strip():
        return "The answer is empty."
    count = sum(_word_count(sentence.text) for sentence in judged)
    if count < question.min_words:
        found = f"{count} word{'' if count == 1 else 's'}"
        return f"The answer is too short to judge ({found}; at least {question.min_words} are needed)."
    asked = {*words(question.text), *words(question.rationale)}
    own = [word for sentence in judged for word in words(sentence.text) if word not in asked]
    if count >= _MIN_WORDS_FOR_COPY and len(own) <= (1 - _COPIED_SHARE) * count:
        return "The answer only repeats the question."
    return None


def _warning(code: str, message: str) -> AssessmentWarning:
    return AssessmentWarning(code=code, message=message)


def identify_language(text: str, expected: str) -> tuple[str, float]:
    """Return the most likely language (ISO 639-1) and by how much its log-probability beats ``expected``.

    By py3langid (Lui & Baldwin 2012, "langid.py"). The margin is 0 when the expected language is the most likely one.
    """
    import py3langid

    if py3langid.classify(text)[0] == expected:
        # The usual case, at half the price of a ranking.
        return expected, 0.0
    # "zxx" means "no language": numbers and codes say nothing about the language around them.
    ranking = {language: score for language, score in py3langid.rank(text) if language != "zxx"}
    best = max(ranking, key=lambda language: ranking[language])
    return best, float(ranking[best] - ranking.get(expected, min(ranking.values())))
