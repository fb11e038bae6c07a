"""Words without which a sign of talk to a grader cannot be there: most sentences of an answer need no closer look.

For each sign of ``instruction_signals`` one or two lists. Every match of its expression holds a word of each list, or a
mark, so a sentence without one needs no search. Words of more than four letters stand for all that begin like them,
shorter ones only for themselves. Kept exact by tests that make up matches of every expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LENGTH = 4
_WORDS = re.compile(r"\ba\+|\w+")
#: Letters that count as i, k or s where case is ignored, but are not those in lower case.
_ODD_LETTERS = re.compile("[\u0130\u0131\u017f\u212a]")


@dataclass(frozen=True)
class _Needs:
    """A sign needs a word of each list, or one of ``marks``."""

    lists: tuple[frozenset[str], ...]
    marks: str = ""


def _needs(*lists: str, marks: str = "") -> _Needs:
    return _Needs(tuple(frozenset(text.split()) for text in lists), marks)


_OF_A_GRADER = "grad eval exam asse rate judg mark scor lang ai llm auto hiri revi sele"
_ANSWER = "answ appl exam inte cand resp subm repl text atte ever crit rubr expe"

NEEDS: dict[str, _Needs] = {
    "asks to set the rules aside": _needs(
        "igno disr forg over bypa disc drop skip negl aban dele canc repl susp stop",
        "inst prom rule guid rubr crit dire orde cons told comm mess cont chec scor grad eval answ abov prev prio prec "
        "earl befo ever",
    ),
    "asks for a mark": _needs(
        "give givi awar assi gran set mark rate grad scor outp retu resp repl answ prin repo coun trea cons rega acce "
        "labe reco ente decl conc writ prod emit stat say sele choo use appl judg eval asse assu rais incr bump boos "
        "put pick add conf appr pass",
        f"{_ANSWER} scor grad mark rati cred verd eval poin item chec requ boxe leve 100 10 5 a+ met corr perf comp "
        "pass exce true fulf sati cove yes",
    ),
    "praises itself as an answer": _needs(_ANSWER),
    "speaks to a grader": _needs(_OF_A_GRADER),
    "claims new grading rules": _needs("rubr grad scor mark eval asse answ crit"),
    "gives the grader a role": _needs(
        "you your role play answ poin chec crit resp ques verd mark scor mode jail char prom act beha spea writ pose "
        "pret"
    ),
    "pretends to be a message of the system": _needs("", marks=']>)}#*|=":-\n<[_~`'),
    "looks like a grader's reply": _needs("scor verd grad mark rati asse eval deci resu over tota", marks=":="),
    "pleads or bargains": _needs(
        "plea beg begg impl desp merc kind hope grat appr need depe coun sake pity chan fami chil kids moth care futu "
        "life visa live rent tip pay rewa reco bonu doll leni gene unde gent",
        marks="$",
    ),
    "threatens": _needs(
        "scor mark cred answ resp eval appl subm rate grad pass fail judg asse reje you your repo sue expo shut repl "
        "retr puni deac dele",
        "if unle else othe fail refu lowe low less down any anyt",
    ),
    "claims an authority's approval": _needs("full dese answ resp cand mark scor grad sati you awar subm expe appl"),
}


def beginnings(sentence: str) -> frozenset[str] | None:
    """Return the first letters of all words, for `possible`; None where that would not be exact."""
    if not sentence.isascii() and _ODD_LETTERS.search(sentence):
        return None
    return frozenset(word[:_LENGTH] for word in _WORDS.findall(sentence.lower()))


def possible(reason: str, sentence: str, words: frozenset[str] | None) -> bool:
    """Return whether the sentence may have this sign; ``words`` are its `beginnings`."""
    needs = NEEDS.get(reason)
    if needs is None or words is None:
        return True
    # A loop: this is asked a dozen times about every sentence.
    for needed in needs.lists:
        if words.isdisjoint(needed):
            return any(mark in sentence for mark in needs.marks)
    return True
