"""The same request gets the same reply, whatever the server was asked before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from coach.errors import ModelConnectionError
from coach.model.completion import Completion, CompletionRequest, Message, Usage
from coach.model.embedded_server import EmbeddedServer, RepeatableChatModel
from coach.model.openai_client import OpenAIChatModel

SYSTEM = Message("system", "You check short answers of a candidate. Be strict.")
FIXED = "Question: How do images reach the archive?\nA strong answer shows:\n- the service that stores them\n\n"


def asked(answer: str, check: str, *, first: bool) -> CompletionRequest:
    """Return a request about a check on an answer, as the judge sends it."""
    text = f"{FIXED}Answer: {answer}\n\nDoes the answer do this? {check} Reply Yes or No."
    return CompletionRequest(
        (SYSTEM, Message("user", text)), 1, top_logprobs=5, fixed_characters=len(FIXED) if first else None
    )


@dataclass
class Recorder:
    """A model that notes what it is asked."""

    name: str = "model"
    endpoint: str = "http://127.0.0.1/v1"
    requests: list[CompletionRequest] = field(default_factory=list)
    fails: bool = False

    async def complete(self, request: CompletionRequest) -> Completion:
        """Return a reply of one token for ten."""
        self.requests.append(request)
        if self.fails:
            raise ModelConnectionError("gone", "Start it again.")
        return Completion("Yes", "stop", usage=Usage(10, 0, 1))


async def test_the_first_request_about_an_answer_is_led_up_to_in_two_steps() -> None:
    """System message, then the fixed part, each followed by what no prompt goes on with; the tokens all count."""
    recorder = Recorder()
    request = asked("With C-STORE.", "Names the service.", first=True)

    completion = await RepeatableChatModel(recorder).complete(request)

    assert [r.messages for r in recorder.requests] == [
        (SYSTEM, Message("user", "#")),
        (SYSTEM, Message("user", f"{FIXED}#")),
        request.messages,
    ]
    assert completion.usage == Usage(30, 0, 3)


async def test_the_next_answer_to_the_question_goes_back_to_the_end_of_the_fixed_part() -> None:
    """What was computed for the question is still there, so that it is not computed again."""
    recorder = Recorder()
    model = RepeatableChatModel(recorder)
    next_answer = asked("By post.", "Names the service.", first=True)

    await model.complete(asked("With C-STORE.", "Names the service.", first=True))
    await model.complete(asked("With C-STORE.", "Names a number.", first=False))
    recorder.requests.clear()
    completion = await model.complete(next_answer)

    assert [r.messages for r in recorder.requests] == [(SYSTEM, Message("user", f"{FIXED}#")), next_answer.messages]
    assert completion.usage == Usage(20, 0, 2)


@pytest.mark.parametrize(
    "between",
    [
        CompletionRequest((SYSTEM, Message("user", "Something else.")), 1),
        CompletionRequest((Message("system", "Be kind."), Message("user", f"{FIXED}Answer: x")), 1),
    ],
)
async def test_anything_else_in_between_is_led_up_to_anew(between: CompletionRequest) -> None:
    """Another prompt overwrites what the server held."""
    recorder = Recorder()
    model = RepeatableChatModel(recorder)

    await model.complete(asked("With C-STORE.", "Names the service.", first=True))
    await model.complete(between)
    recorder.requests.clear()
    await model.complete(asked("By post.", "Names the service.", first=True))

    assert len(recorder.requests) == 3


async def test_after_a_failure_nothing_is_taken_for_granted() -> None:
    """A request that broke off may have left the server anywhere."""
    recorder = Recorder()
    model = RepeatableChatModel(recorder)

    await model.complete(asked("With C-STORE.", "Names the service.", first=True))
    recorder.fails = True
    with pytest.raises(ModelConnectionError):
        await model.complete(asked("By post.", "Names the service.", first=True))
    recorder.fails = False
    recorder.requests.clear()
    await model.complete(asked("By post.", "Names the service.", first=True))

    assert len(recorder.requests) == 3


async def test_every_other_request_goes_as_it_is() -> None:
    """Further checks on the same answer go on from where the first one was."""
    recorder = Recorder()
    request = asked("With C-STORE.", "Names the service.", first=False)

    await RepeatableChatModel(recorder).complete(request)

    assert recorder.requests == [request]


async def test_the_embedded_model_repeats_itself_to_the_last_digit(embedded_server: EmbeddedServer) -> None:
    """An answer judged again, after another answer and another question, has exactly the same probabilities."""
    endpoint = await embedded_server.ready()
    checks = ("Names the service that stores images.", "Says where the images go.")

    async with OpenAIChatModel(endpoint.model, endpoint.base_url, endpoint.api_key, timeout=120.0) as plain:
        model = RepeatableChatModel(plain)

        async def judged(answer: str) -> list[Completion]:
            replies = [await model.complete(asked(answer, c, first=c is checks[0])) for c in checks]
            return [replace(reply, usage=Usage()) for reply in replies]

        once = await judged("The scanner pushes its images to the archive with C-STORE.")
        await judged("The scanner does something else that nobody has explained to me.")
        await model.complete(CompletionRequest((SYSTEM, Message("user", "Another question altogether?")), 1))
        later = await judged("The scanner pushes its images to the archive with C-STORE.")

    assert all(reply.first_token for reply in once)
    assert once == later
