"""A small matcher: how far a sentence shows what a statement says, read together by one cross-encoder.

all-MiniLM-L6-v2 (Apache-2.0), fine-tuned on pairs of a statement and a sentence and exported as ONNX with int8
weights: ``benchmarks/train_matcher.py`` holds the recipe, ``benchmarks/data`` what it learned from. It reads a pair in
milliseconds where a language model needs half a second. Nogueira & Cho 2019, "Passage Re-ranking with BERT"; Wang et
al. 2020, "MiniLM".
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from coach.errors import EmbeddedModelError
from coach.model.encoder import MOST_KNOWN, VOCABULARY

MODEL = Path(__file__).resolve().parent.parent / "data" / "matcher.onnx"
MODEL_SHA256 = "c0bf5fa6b425193bd3d0b1d3a7ae04d045648380b1c3b9e94e094f8168d42020"
#: Tokens of a statement, and of a pair with its three marks.
MAX_STATEMENT, MAX_PAIR = 56, 112
BATCH = 16


def matcher_installed() -> bool:
    """Return whether everything the matcher needs is installed (without importing it)."""
    return all(importlib.util.find_spec(name) is not None for name in ("onnxruntime", "tokenizers", "numpy"))


class Matcher:
    """Reads pairs; the model is loaded at first use, the newest results are remembered."""

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._session: Any = None
        self._tokenizer: Any = None
        self._known: dict[tuple[str, str], float] = {}
        #: Answers are judged in threads, one of which reads at a time.
        self._lock = threading.Lock()

    def log_odds(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return for each pair (statement, sentence) the log-odds that the sentence shows the statement.

        Raises EmbeddedModelError.
        """
        with self._lock:
            missing = list(dict.fromkeys(pair for pair in pairs if pair not in self._known))
            missing.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
            for start in range(0, len(missing), BATCH):
                batch = missing[start : start + BATCH]
                self._known.update(zip(batch, self._run(batch), strict=True))
            found = [self._known[pair] for pair in pairs]
            for pair in list(islice(self._known, max(0, len(self._known) - MOST_KNOWN))):
                del self._known[pair]
            return found

    def _run(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        import numpy as np

        self._load()
        rows = [self._tokens(statement, sentence) for statement, sentence in pairs]
        width = max(len(first) + len(second) for first, second in rows)
        ids, mask, kinds = (np.zeros((len(rows), width), dtype=np.int64) for _ in range(3))
        for row, (first, second) in enumerate(rows):
            whole = len(first) + len(second)
            ids[row, :whole] = [*first, *second]
            mask[row, :whole] = 1
            kinds[row, len(first) : whole] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
        return [float(value) for value in self._session.run(None, inputs)[0]]

    def _tokens(self, statement: str, sentence: str) -> tuple[list[int], list[int]]:
        begin, end = self._tokenizer.token_to_id("[CLS]"), self._tokenizer.token_to_id("[SEP]")
        first, second = (self._tokenizer.encode(text, add_special_tokens=False).ids for text in (statement, sentence))
        first = [begin, *first[:MAX_STATEMENT], end]
        return first, [*second[: MAX_PAIR - 1 - len(first)], end]

    def _load(self) -> None:
        if self._session is not None:
            return
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        try:
            content = MODEL.read_bytes()
        except OSError as error:
            raise EmbeddedModelError(
                f"{MODEL}: cannot be read ({error.strerror})", "Install the package again."
            ) from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != MODEL_SHA256:
            raise EmbeddedModelError(f"{MODEL}: not the expected file (SHA-256 {digest})", "Install the package again.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        self._tokenizer = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
