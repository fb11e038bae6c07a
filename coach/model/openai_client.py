"""The one way to every model: the ``openai`` client, for OpenAI itself and for compatible servers."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from coach.errors import ConfigurationError, ModelRequestError, ModelServerError
from coach.model.choose import Address, is_loopback, parse_address
from coach.model.completion import ChatModel, Completion, CompletionRequest, JsonSchema, Message, Usage
from coach.model.dialect import SHORT_REPLY, Dialect, lesson, read_reply
from coach.model.failures import is_out_of_quota, server_words, translate

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import AsyncOpenAI, OpenAIError

MAX_RETRIES = 4
#: Sent where no key is needed. Without it the openai package would take OPENAI_API_KEY from the environment and
#: send it to a server it does not belong to.
_NO_KEY = "no-key"
_CONNECT_TIMEOUT = 10.0


class OpenAIChatModel:
    """A chat model behind the OpenAI protocol; implements ``coach.model.completion.ChatModel``.

    Deterministic as far as the endpoint allows: temperature 0 and a fixed seed. Where requests go: see `open_client`.

    The openai package repeats a request after 408, 409, 429, 5xx, lost connections and time-outs, at most
    ``max_retries`` times, after the time that ``Retry-After`` asks for, else 0.5 s, 1 s, 2 s ... 8 s. A
    ``Retry-After`` of more than two minutes is not waited for, nor is an account without quota: both fail at once.
    ``timeout`` is in seconds and holds for each try.

    ``endpoint_name`` replaces the base URL in receipts and messages, for a server whose port differs at each start.
    ``many`` is for many requests in flight.

    Use it in one event loop, as an async context manager. Raises ConfigurationError when
    ``base_url`` or ``api_key`` cannot be right.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        api_key: str | None,
        *,
        timeout: float = 120.0,
        max_retries: int = MAX_RETRIES,
        endpoint_name: str | None = None,
        many: bool = False,
    ) -> None:
        address = parse_address(base_url)
        self.name = model
        #: Where requests go, for people: the base URL without credentials and query, or the name given for it.
        self.endpoint = endpoint_name or address.url
        self._client = open_client(address, api_key, timeout=timeout, max_retries=max_retries, many=many)
        self._dialect = Dialect(model, address.is_openai)

    def body(self, request: CompletionRequest) -> dict[str, Any]:
        """Return the JSON body of a request as it would be sent now, with what was learned about the endpoint."""
        return self._dialect.body(request)

    async def complete(self, request: CompletionRequest) -> Completion:
        """Send one request; raises ModelError.

        Parameters that the endpoint refuses are left out, now and in later requests: alternatives of the first
        token are then None, and ``json_schema`` falls back to ``json_object`` and to nothing. So a prompt that
        wants JSON must describe it, with the word JSON in it. A model that is seen to use up a whole reply for thinking
        gets more room from then on.
        """
        import httpx2
        import openai
        from pydantic_core import to_json

        dialect, used = self._dialect, Usage()
        while True:
            body = dialect.body(request)
            try:
                # The general form of a call. The response as it came keeps what the typed one hides: HTML, broken JSON
                # and `{}` all pass as HTTP 200; and building the typed call takes longer than sending it.
                response = await self._client.post("/chat/completions", content=to_json(body), cast_to=httpx2.Response)
            except openai.OpenAIError as error:
                learned = _lesson_of(error, body)
                dialect = replace(dialect, refused=dialect.refused | ({learned} if learned else set()))
                if dialect.body(request) == body:
                    raise translate(error, self.name, self.endpoint, api_key=self._client.api_key) from None
                continue
            # Only what led to a reply was a true lesson; requests at the same time may have learned others.
            if not dialect.refused <= self._dialect.refused:
                self._dialect = replace(self._dialect, refused=self._dialect.refused | dialect.refused)
            found = read_reply(response.content, self.endpoint, self._client.api_key)
            used += found.usage
            thought_only = found.reasoned and found.finish_reason == "length" and not found.text.strip()
            if not thought_only or SHORT_REPLY in dialect.refused:
                return replace(found, usage=used)
            dialect = replace(dialect, refused=dialect.refused | {SHORT_REPLY})

    async def __aenter__(self) -> Self:
        """Return the model itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.close()


def _lesson_of(error: OpenAIError, body: dict[str, Any]) -> str | None:
    """Return what the endpoint's refusal of a request teaches about its parameters."""
    status = getattr(error, "status_code", 0)
    words = server_words(getattr(error, "body", None)) or str(error)
    parameter, code = (str(getattr(error, name, None) or "") for name in ("param", "code"))
    return lesson(body, status, parameter, code, words)


def open_client(
    address: Address, api_key: str | None, *, timeout: float, max_retries: int = MAX_RETRIES, many: bool = False
) -> AsyncOpenAI:
    """Return a client of the openai package that sends to ``address`` and nowhere else.

    Redirects are not followed, a loopback address is never reached through a proxy, login and query of the base URL are
    sent along, and what the environment says about an account at OpenAI goes to OpenAI only. ``many`` is for many
    requests in flight. Raises ConfigurationError for a key that cannot be one.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

    from coach.model.aiohttp_transport import aiohttp_transport

    limits = Timeout(timeout, connect=min(timeout, _CONNECT_TIMEOUT))
    client = AsyncOpenAI(
        api_key=checked_key(api_key),
        base_url=address.url,
        default_query=address.query,
        timeout=limits,
        max_retries=max_retries,
        http_client=DefaultAsyncHttpx2Client(
            auth=address.login,
            transport=aiohttp_transport() if many else None,
            timeout=limits,
            follow_redirects=False,
            trust_env=not is_loopback(address.url),
            event_hooks={"response": [_stop_retries_without_quota]},
        ),
    )
    if not address.is_openai:
        # Taken from the environment, but meant for OpenAI.
        client.organization = client.project = None
    return client


def checked_key(api_key: str | None) -> str:
    """Return the key, or one that stands for none; raises ConfigurationError without repeating it."""
    key = (api_key or "").strip() or _NO_KEY
    # Anything else would fail while the header is built, in an error that shows the key.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("the API key holds characters that no key has", "Copy OPENAI_API_KEY again.")
    return key


async def _stop_retries_without_quota(response: Response) -> None:
    """Mark a 429 that waiting cannot cure, in the way the openai package understands."""
    if response.status_code != 429:
        return
    await response.aread()
    with suppress(ValueError):
        if is_out_of_quota(response.json()):
            response.headers["x-should-retry"] = "false"


@dataclass(frozen=True)
class Capabilities:
    """What an endpoint can do, as far as the judging cares."""

    logprobs: bool
    json_schema: bool
    usage: bool


_WORD = CompletionRequest((Message("user", "Reply with the single word Yes."),), max_tokens=1, top_logprobs=5)
#: Nobody would name the key or the colour like this unless the schema is enforced.
_ODD = {"colour_of_the_day": "violet"}
_SCHEMA = {
    "type": "object",
    "properties": {key: {"type": "string", "enum": [value]} for key, value in _ODD.items()},
    "required": list(_ODD),
    "additionalProperties": False,
}
_OBJECT = CompletionRequest(
    (Message("user", "Name an animal as a JSON object."),), max_tokens=48, json_schema=JsonSchema("probe", _SCHEMA)
)


async def detect_capabilities(model: ChatModel) -> Capabilities:
    """Find out with two tiny requests what the endpoint can do; raises ModelError when it gives no reply at all.

    It also teaches an OpenAIChatModel what the endpoint refuses, before many requests run at once.
    """
    word = reply = None
    # Perhaps the log-probabilities were too much, said in unknown words; the next request tells.
    with suppress(ModelRequestError, ModelServerError):
        word = await model.complete(_WORD)
    try:
        reply = await model.complete(_OBJECT)
        enforced = json.loads(reply.text) == _ODD
    except ValueError:
        enforced = False
    except (ModelRequestError, ModelServerError):
        if word is None:
            raise
        enforced = False
    usage = (reply or word or Completion("", "")).usage
    return Capabilities(
        logprobs=word is not None and word.first_token is not None,
        json_schema=enforced,
        usage=None not in (usage.input_tokens, usage.output_tokens),
    )
