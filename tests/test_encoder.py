"""Sentences become unit vectors, pairs of statement and sentence odds; only the pinned model files are used."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from coach.bank.load import load_bank
from coach.errors import EmbeddedModelError
from coach.judge.evidence import compared_texts
from coach.model import encoder as module
from coach.model.encoder import DIMENSIONS, Matcher, SentenceEncoder, encoder_installed

needs_encoder = pytest.mark.skipif(not encoder_installed(), reason="needs the local extra")

TEXTS = [
    "I entered the AE title, the address and the port.",
    "The device was connected by its AE title, IP address and port.",
    "My grandmother bakes an excellent apple cake.",
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    """Return one encoder for all tests: loading the model takes a moment."""
    return SentenceEncoder()


@needs_encoder
def test_sentences_with_one_meaning_are_near(encoder: SentenceEncoder) -> None:
    """The same thing said in other words is far nearer than another subject."""
    [[same, other]] = encoder.matrix(TEXTS[:1], TEXTS[1:])

    assert same > 0.6
    assert other < 0.2


@needs_encoder
def test_vectors_have_length_one_and_the_matrix_one_row_for_each_text(encoder: SentenceEncoder) -> None:
    """Any text has a vector: the empty one, one without words and an endless one."""
    texts = [*TEXTS, "", "🙂 \u0000", "word " * 2000]

    assert encoder.embed(texts).shape == (len(texts), DIMENSIONS)
    assert [(vector**2).sum() for vector in encoder.embed(texts)] == pytest.approx([1] * len(texts), abs=1e-5)
    matrix = encoder.matrix(texts, texts)
    assert [row[index] for index, row in enumerate(matrix)] == pytest.approx([1] * len(texts), abs=1e-5)


@needs_encoder
def test_nothing_to_compare_needs_no_vectors(encoder: SentenceEncoder) -> None:
    """Empty lists give empty results of the right shape."""
    assert encoder.matrix([], TEXTS) == []
    assert encoder.matrix(TEXTS, []) == [[], [], []]
    assert encoder.embed([]).shape == (0, DIMENSIONS)


@needs_encoder
def test_a_vector_does_not_depend_on_what_is_embedded_beside_it(encoder: SentenceEncoder) -> None:
    """Marks are repeatable: alone, in a batch with longer texts or again from memory, the vector is the same."""
    alone = SentenceEncoder().embed([TEXTS[0]])[0]
    together = SentenceEncoder().embed(["word " * 100, TEXTS[2], TEXTS[0], "x"])[2]

    assert alone == pytest.approx(together, abs=1e-6)
    assert (encoder.embed([TEXTS[0]]) == encoder.embed([TEXTS[0]])).all()


@needs_encoder
def test_a_long_run_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch, encoder: SentenceEncoder) -> None:
    """Only the newest vectors are kept, and a call for more than that is still answered whole."""
    monkeypatch.setattr(module, "MOST_KNOWN", 2)
    encoder._known.clear()

    assert encoder.embed(TEXTS).shape == (3, DIMENSIONS)
    assert len(encoder._known) == 2
    assert set(encoder._known) < set(TEXTS)


def test_another_file_under_the_models_name_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A changed or damaged file is not run: the error names it and its hash."""
    (tmp_path / "model.onnx").write_bytes(b"something else")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)

    with pytest.raises(EmbeddedModelError, match="not the expected file") as caught:
        SentenceEncoder().embed(TEXTS)

    assert str(tmp_path / "model.onnx") in caught.value.message
    assert "local extra" in caught.value.hint


def test_a_missing_package_or_file_is_an_error_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the wheel, or with an empty one, the hint says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedModelError) as missing:
        SentenceEncoder().embed(TEXTS)
    assert not encoder_installed()

    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(EmbeddedModelError) as empty:
        SentenceEncoder().embed(TEXTS)

    assert "pip install" in missing.value.hint
    assert "cannot be read" in empty.value.message


@needs_encoder
def test_the_texts_of_the_shipped_bank_need_not_be_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its vector in the package, so that the first answer to a question is judged as fast as the second."""
    bank = load_bank()
    texts = sorted({text for q in bank.questions for text in compared_texts(bank.checks_of(q), q.text)})
    own = SentenceEncoder(shipped={}).embed(texts[::200])
    monkeypatch.setattr(SentenceEncoder, "_run", None)

    assert np.abs(SentenceEncoder().embed(texts)[::200] - own).max() < 0.02


@needs_encoder
def test_the_matcher_knows_what_shows_a_statement() -> None:
    """What was done has better odds than what is merely about the same thing; the order of the pairs is kept."""
    statement = "Practices the downtime plan or the failover in drills, or sets up such a drill."
    named, shown, not_done = Matcher().log_odds(
        [
            (statement, "We have a downtime plan."),
            (statement, "Twice a year we pull the plug on purpose and run on paper for an hour."),
            (statement, "We never tested anything."),
        ]
    )

    assert shown > 0
    assert max(named, not_done) < -1


@needs_encoder
def test_a_damaged_matcher_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It belongs to the package, so the hint says to install that again."""
    monkeypatch.setattr(module, "DATA", tmp_path)
    (tmp_path / "matcher.onnx").write_bytes(b"something else")

    with pytest.raises(EmbeddedModelError, match="not the expected file") as caught:
        Matcher().log_odds([("a", "b")])

    assert caught.value.hint == "Install the package again."
