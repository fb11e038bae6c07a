"""The language of a text is told, with how sure that is against the expected one."""

from __future__ import annotations

import pytest

from coach.answer.language import identify_language

SENTENCES = {
    "en": "The archive stopped answering, so I looked at the alerts of the last hour and called the vendor.",
    "de": "Das Archiv antwortete nicht mehr, deshalb sah ich mir die Alarme der letzten Stunde an und rief an.",
    "es": "El archivo dejó de responder, así que miré las alertas de la última hora y llamé al proveedor.",
    "fr": "L'archive ne répondait plus, alors j'ai regardé les alertes de la dernière heure et appelé le fournisseur.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_recognised_whatever_was_expected(language: str) -> None:
    """The margin is zero for the expected language and clear for another one."""
    assert identify_language(SENTENCES[language], language) == (language, 0.0)
    found, margin = identify_language(SENTENCES[language], "en" if language != "en" else "de")
    assert found == language
    assert margin > 10


@pytest.mark.parametrize("text", ["", "???", "4711", "\ud800", "🙂"])
def test_any_text_has_an_answer(text: str) -> None:
    """Text without words is no failure, and an expected language that is not known is beaten clearly."""
    found, margin = identify_language(text, "en")

    assert found.isalpha()
    assert found != "zxx"
    assert margin >= 0
    assert identify_language(SENTENCES["en"], "xx")[1] > 0
