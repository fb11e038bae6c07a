"""Which language a text is written in, by py3langid (Lui & Baldwin 2012, "langid.py")."""

from __future__ import annotations


def identify_language(text: str, expected: str) -> tuple[str, float]:
    """Return the most likely language (ISO 639-1) and by how much its log-probability beats ``expected``.

    The margin is 0 when the expected language is the most likely one.
    """
    import py3langid

    # "zxx" means "no language": numbers and codes say nothing about the language around them.
    ranking = {language: score for language, score in py3langid.rank(text) if language != "zxx"}
    best = max(ranking, key=lambda language: ranking[language])
    return best, float(ranking[best] - ranking.get(expected, min(ranking.values())))
