"""Putting the answers to one question beside each other, so that the server's prompt cache pays off."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from coach.batch.rows import AnswerRow, RowProblem

#: Rows wait in memory; long answers fill the window before their number does.
MAX_CHARACTERS = 8_000_000


def grouped(
    rows: Iterable[AnswerRow | RowProblem], window: int = 2000, max_characters: int = MAX_CHARACTERS
) -> Iterator[AnswerRow | RowProblem]:
    """Yield the same rows, ordered so that those of one question come in long runs.

    At most ``window`` rows (and about ``max_characters`` of answers) are held at a time: when that is full, the
    question with most waiting rows is emptied, in the order of its rows. Problems pass through at once.
    """
    waiting: defaultdict[str, deque[AnswerRow]] = defaultdict(deque)
    count = characters = 0
    for row in rows:
        if isinstance(row, RowProblem):
            yield row
            continue
        waiting[row.question_id].append(row)
        count += 1
        characters += len(row.answer)
        if count >= window or characters >= max_characters:
            for ready in _take_largest(waiting):
                count -= 1
                characters -= len(ready.answer)
                yield ready
    while waiting:
        yield from _take_largest(waiting)


def _take_largest(waiting: defaultdict[str, deque[AnswerRow]]) -> deque[AnswerRow]:
    # The first of equals wins, so the order depends on nothing but the input.
    return waiting.pop(max(waiting, key=lambda question_id: len(waiting[question_id])))
