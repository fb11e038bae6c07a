"""How many answers a minute the embedded model grades in a batch, beside submitting them one after the other.

    python benchmarks/batch_embedded.py [--questions 2]

The same exemplars are graded first by `coach submit`, a process for each as a person would do it, then by one `coach
batch`. Prints answers a minute of both, their ratio, and every answer whose scores differ. Wanted: a ratio of at least
1.3, and no difference.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coach.bank.examples import exemplar_answers
from coach.bank.load import load_bank

TARGET = 1.3
#: (question id, level) -> score.
Scores = dict[tuple[str, str], float | None]


def coach(*words: str, stdin: str | None = None) -> str:
    """Run the program with the embedded model and return what it printed."""
    command = [str(Path(sys.executable).with_name("coach")), *words, "--model", "local", "--quiet"]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def submit_one_by_one(answers: dict[tuple[str, str], str]) -> Scores:
    """Grade each answer by a process of its own."""
    scores: Scores = {}
    for (question_id, level), text in answers.items():
        scores[question_id, level] = json.loads(coach("submit", question_id, "-", "--json", "--no-save", stdin=text))[
            "score"
        ]
    return scores


def grade_together(answers: dict[tuple[str, str], str], folder: Path) -> Scores:
    """Grade all answers by one batch; they come in turns, so that ordering them by question is the batch's own work."""
    rows = [
        {"candidate": level, "question_id": question_id, "answer": text}
        for (question_id, level), text in sorted(answers.items(), key=lambda item: item[0][1])
    ]
    source, out = folder / "answers.jsonl", folder / "out"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    coach("batch", str(source), "--out", str(out))
    results = map(json.loads, (out / "results.jsonl").read_text(encoding="utf-8").splitlines())
    return {(row["question_id"], row["candidate"]): row["assessment"]["score"] for row in results}


def main() -> int:
    """Run the benchmark; 1 when the target is missed or scores differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=2)
    questions = load_bank().questions[: parser.parse_args().questions]
    answers = {(q.id, level): text for q in questions for level, text in exemplar_answers(q.id).items()}
    started = time.monotonic()
    single = submit_one_by_one(answers)
    middle = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        batch = grade_together(answers, Path(folder))
    ended = time.monotonic()
    rates = [60 * len(answers) / seconds for seconds in (middle - started, ended - middle)]
    ratio = rates[1] / rates[0]
    print(f"submit {rates[0]:.2f} answers a minute, batch {rates[1]:.2f}, ratio {ratio:.2f} (wanted {TARGET})")
    different = {key: (single[key], batch.get(key)) for key in answers if single[key] != batch.get(key)}
    print(f"{len(answers)} answers, different scores: {different or 'none'}")
    return int(bool(different) or ratio < TARGET)


if __name__ == "__main__":
    sys.exit(main())
