"""Replies of the model kept in a file, so that a table can be made again without asking again.

A reply is found again by everything that was sent and by the model's name, so a change of a prompt, a check or an
answer asks anew, while a change of weights or of the score's arithmetic does not need the model at all. Times measured
with kept replies mean nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from coach.bank.questions import Bank
from coach.model.completion import ChatModel, Completion, CompletionRequest, Usage
from coach.submit.assess import AnswerAssessor
from coach.submit.open import Settings, make_assessor, open_session


class KeptReplies:
    """A chat model that asks another one only what is not in the file yet."""

    def __init__(self, model: ChatModel, path: Path | None) -> None:
        self._model = model
        self._path = path
        self._known: dict[str, Completion] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                item = json.loads(line)
                usage = Usage(**item["reply"].pop("usage"))
                self._known[item["key"]] = Completion(usage=usage, **item["reply"])

    @property
    def name(self) -> str:
        """The model's id."""
        return self._model.name

    @property
    def endpoint(self) -> str:
        """Where questions go."""
        return self._model.endpoint

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return the kept reply, or ask and keep."""
        asked = asdict(request)
        # What was asked before does not change what is asked.
        del asked["fixed_characters"]
        sent = json.dumps([self.name, asked], sort_keys=True)
        key = hashlib.sha256(sent.encode("utf-8", "surrogatepass")).hexdigest()
        if key not in self._known:
            reply = self._known[key] = await self._model.complete(request)
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "reply": asdict(reply)}) + "\n")
        return self._known[key]


@dataclass(frozen=True)
class KeptSession:
    """A model whose replies are kept, and the assessor that asks it."""

    model: ChatModel
    assessor: AnswerAssessor


@asynccontextmanager
async def open_kept_session(
    settings: Settings, keep: Path | None = None, bank: Bank | None = None
) -> AsyncIterator[KeptSession]:
    """Yield an assessor as `coach submit` uses it, with replies kept in a file (None: asked anew each time)."""
    async with open_session(settings, bank) as session:
        if keep is None:
            yield KeptSession(session.model, session.assessor)
            return
        model = KeptReplies(session.model, keep)
        yield KeptSession(model, make_assessor(session.assessor.bank, model, session.assessor.judge.name))


@asynccontextmanager
async def open_kept_assessor(
    settings: Settings, keep: Path | None = None, bank: Bank | None = None
) -> AsyncIterator[AnswerAssessor]:
    """Yield only the assessor; see `open_kept_session`."""
    async with open_kept_session(settings, keep, bank) as session:
        yield session.assessor
