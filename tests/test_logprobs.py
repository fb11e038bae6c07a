"""The judge that asks one token per check."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from coach.bank.load import load_bank
from coach.errors import ModelConnectionError, ModelReplyError
from coach.judge.judging import JudgeTask, Verdict
from coach.judge.logprobs import CONTENT_FREE, LogprobsJudge
from coach.judge.prompts import load_prompts
from coach.judge.similarity import LexicalSimilarity
from coach.model.completion import Completion, CompletionRequest, Usage
from coach.submit.assess import AnswerAssessor

ANSWER = (
    "A scanner pushes its images with C-STORE, and the workstation searches for priors with C-FIND. "
    "Before that both sides open an association and agree which SOP classes and transfer syntaxes they accept."
)


@dataclass
class YesModel:
    """Says Yes with a fixed probability to real sentences and with one half to content-free ones."""

    yes: float = 0.9
    error: Exception | None = None
    first_token: dict[str, float] | None = None
    name: str = "yes-model"
    endpoint: str = "http://127.0.0.1/v1"
    requests: list[CompletionRequest] = field(default_factory=list)

    async def complete(self, request: CompletionRequest) -> Completion:
        """Answer, and remember what was asked."""
        self.requests.append(request)
        if self.error:
            raise self.error
        empty = any(sentence in request.messages[-1].content for sentence in CONTENT_FREE)
        yes = 0.5 if empty else self.yes
        token = self.first_token or {"Yes": math.log(yes), "No": math.log(1 - yes)}
        return Completion("Yes", "length", first_token=token, usage=Usage(10, 5, 1))


def assessor(model: YesModel) -> AnswerAssessor:
    """Return an assessor on the shipped bank with the lexical similarity."""
    return AnswerAssessor(load_bank(), LogprobsJudge(model, load_prompts(), LexicalSimilarity()), lambda *_: 0.0)


def task(model: YesModel) -> JudgeTask:
    """Return the task of judging ANSWER."""
    own = assessor(model)
    question = own.bank.questions[0]
    return own.task(question, own.prepare(question, ANSWER))


async def test_question_rationale_and_rubric_are_in_every_prompt() -> None:
    """The model never judges without knowing what is asked and why; the fixed part comes first."""
    model = YesModel()
    own = assessor(model)
    question = own.bank.questions[0]

    await own.assess(question, ANSWER)

    assert model.requests
    starts = {request.messages[-1].content.split("Answer:")[0] for request in model.requests}
    assert len(starts) == 1
    (start,) = starts
    assert question.text in start
    assert question.rationale in start
    for criterion in own.bank.rubric_of(question).criteria:
        assert criterion.title in start


async def test_the_models_view_moves_a_doubtful_check() -> None:
    """The same answer earns more when the model says Yes than when it says No."""
    scores = []
    for yes in (0.05, 0.95):
        own = assessor(YesModel(yes=yes))
        result = await own.assess(own.bank.questions[0], ANSWER)
        assert result.score is not None
        scores.append(result.score)

    assert scores[0] < scores[1]


async def test_content_free_sentences_are_asked_about_once() -> None:
    """Their log-odds are kept, so a second answer costs only its own requests."""
    model = YesModel()
    own = assessor(model)
    question = own.bank.questions[0]

    await own.assess(question, ANSWER)
    first = len(model.requests)
    await own.assess(question, ANSWER)

    assert len(model.requests) - first < first


async def test_all_checks_of_an_answer_are_asked_one_after_the_other() -> None:
    """What is missing for calibration comes first, so that a server keeps the answer's prompt from check to check."""
    model = YesModel()
    own = assessor(model)

    await own.assess(own.bank.questions[0], ANSWER)

    about = [
        next((n for n, text in enumerate(CONTENT_FREE) if text in r.messages[-1].content), "own")
        for r in model.requests
    ]
    changes = [about[n] for n in range(len(about)) if n == 0 or about[n] != about[n - 1]]
    assert changes == [0, 1, "own"]


async def test_only_the_first_request_about_a_text_tells_what_is_fixed() -> None:
    """It is the same for every answer to the question, and what follows it is the answer."""
    model = YesModel()
    own = assessor(model)
    question = own.bank.questions[0]
    await own.assess(question, ANSWER)
    await own.assess(question, ANSWER)

    marked = [request for request in model.requests if request.fixed_characters is not None]
    told = {request.messages[-1].content[: request.fixed_characters] for request in marked}
    # Two texts without content, and the answer twice.
    assert len(marked) == 4 < len(model.requests)
    assert len(told) == 1
    assert question.rationale in told.pop()
    assert all(r.messages[-1].content[r.fixed_characters or 0 :].startswith("Answer:") for r in marked)


async def test_the_request_that_is_sent_first_tells_what_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks go criterion by criterion, so the first that is sent need not be the first of the bank."""
    model = YesModel()
    asked = task(model)
    first = asked.checks[0]
    late = next(check for check in reversed(asked.checks) if check.criterion == first.criterion and check != first)
    early = next(check for check in asked.checks if check.criterion != first.criterion)
    monkeypatch.setattr("coach.judge.logprobs._asked", lambda finding: finding.check in (early, late))
    reordered = replace(asked, checks=(first, early, *(c for c in asked.checks if c not in (first, early))))

    await assessor(model).judge.judge(reordered)

    own = [r for r in model.requests if not any(text in r.messages[-1].content for text in CONTENT_FREE)]
    assert [late.statement in own[0].messages[-1].content, early.statement in own[1].messages[-1].content] == [True] * 2
    assert [request.fixed_characters is not None for request in own] == [True, False]


async def test_what_would_be_sent_is_what_is_sent() -> None:
    """``requests`` lists the very requests of the judgement."""
    model = YesModel()
    own = assessor(model)
    question = own.bank.questions[0]
    announced = own.judge.requests(own.task(question, own.prepare(question, ANSWER)))

    await own.assess(question, ANSWER)

    def texts(requests: list[CompletionRequest]) -> list[str]:
        return sorted(json.dumps([message.content for message in request.messages]) for request in requests)

    assert texts(announced) == texts(model.requests)


async def test_a_reply_without_yes_and_no_leaves_the_check_unjudged() -> None:
    """Such a check moves nothing and says why."""
    model = YesModel(first_token={"Maybe": -0.1})

    judgement = await assessor(model).judge.judge(task(model))

    unjudged = [v for v in judgement.verdicts if v.verdict is Verdict.UNJUDGED]
    assert unjudged
    assert all(v.probability is None and "neither Yes nor No" in (v.comment or "") for v in unjudged)


async def test_an_unreadable_reply_costs_one_check_only() -> None:
    """The others keep their verdicts."""
    model = YesModel(error=ModelReplyError("nonsense came back"))

    judgement = await assessor(model).judge.judge(task(model))

    assert any(v.verdict is Verdict.UNJUDGED for v in judgement.verdicts)
    assert any(v.verdict is Verdict.NOT_MET for v in judgement.verdicts)


async def test_a_dead_endpoint_is_an_error_not_a_score() -> None:
    """The first error of the endpoint ends the judgement as what it is."""
    model = YesModel(error=ModelConnectionError("no connection"))

    with pytest.raises(ModelConnectionError, match="no connection"):
        await assessor(model).judge.judge(task(model))


async def test_verdicts_come_in_the_order_of_the_checks() -> None:
    """Whatever order they were asked in."""
    model = YesModel()
    wanted = task(model)

    judgement = await assessor(model).judge.judge(wanted)

    assert [v.check_id for v in judgement.verdicts] == [check.id for check in wanted.checks]


class WaitingSimilarity(LexicalSimilarity):
    """Takes its time as the sentence encoder does: until somebody else has had a turn."""

    def __init__(self) -> None:
        self.others_had_a_turn = threading.Event()

    def matrix(self, rows: Sequence[str], columns: Sequence[str]) -> list[list[float]]:
        """Wait, and compare."""
        assert self.others_had_a_turn.wait(10), "nothing else happened meanwhile"
        return super().matrix(rows, columns)


async def test_other_answers_go_on_while_sentences_are_compared() -> None:
    """The sentence encoder takes the processor for some tenths of a second: not the event loop's."""
    model, similarity = YesModel(), WaitingSimilarity()

    def detect(sentences: Sequence[str]) -> list[bool]:
        similarity.matrix(sentences, sentences)
        return [False for _ in sentences]

    judge = LogprobsJudge(model, load_prompts(), similarity)
    own = AnswerAssessor(load_bank(), judge, lambda *_: 0.0, detect_instructions=detect)
    asyncio.get_running_loop().call_later(0.01, similarity.others_had_a_turn.set)

    assert (await own.assess(own.bank.questions[0], ANSWER)).score is not None

    similarity.others_had_a_turn.clear()
    asyncio.get_running_loop().call_later(0.01, similarity.others_had_a_turn.set)
    await judge.judge(task(model))


async def test_answers_at_the_same_time_measure_content_free_words_once() -> None:
    """The first one measures, and the others wait for it."""
    model = YesModel()
    own = assessor(model)
    question = own.bank.questions[0]

    await asyncio.gather(*(own.assess(question, f"{ANSWER} It was in {year}.") for year in range(2001, 2009)))

    empty = [r.messages[-1].content for r in model.requests if any(t in r.messages[-1].content for t in CONTENT_FREE)]
    assert len(empty) == len(set(empty)) > 0
