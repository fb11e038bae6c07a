"""Which language a text is written in, by py3langid (Lui & Baldwin 2012, "langid.py")."""

from __future__ import annotations


def identify_language(text: str, expected: str) -> tuple[str, float]:
    """Return the most likely language (ISO 639-1) and by how much its log-probability beats ``expected``.

    The margin is 0 when the expected language is the most likely one.
    """
    import py3langid

    if py3langid.classify(text)[0] == expected:
        # The usual case, at half the price of a ranking.
        return expected, 0.0
    # "zxx" means "no language": numbers and codes say nothing about the language around them.
    ranking = {language: score for language, score in py3langid.rank(text) if language != "zxx"}
    best = max(ranking, key=lambda language: ranking[language])
    return best, float(ranking[best] - ranking.get(expected, min(ranking.values())))
