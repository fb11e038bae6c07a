"""What the base URL of an endpoint says: where requests go, and what must not be shown or sent along."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from coach.errors import ConfigurationError
from coach.model.loopback import is_loopback

OPENAI_URL = "https://api.openai.com/v1"

_SUFFIX = "/chat/completions"
_HINT = "Set OPENAI_BASE_URL to an address like http://localhost:11434/v1."


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

    @property
    def is_loopback(self) -> bool:
        """Whether requests stay on this machine."""
        return is_loopback(self.url)


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
        raise ConfigurationError("the base URL of the model's endpoint cannot be read", _HINT) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[^\w.:\-]", parts.hostname):
        raise ConfigurationError("the base URL of the model's endpoint must start with http:// or https://", _HINT)
    query = dict(parse_qsl(parts.query))
    if query.keys() - {"api-version"}:
        raise ConfigurationError(
            "the base URL of the model's endpoint may hold no query other than api-version",
            "Remove what follows the question mark; a key belongs in OPENAI_API_KEY.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path.rstrip("/").removesuffix(_SUFFIX).rstrip("/")
    url = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{path}"
    login = None
    if parts.username is not None:
        login = (unquote(parts.username), unquote(parts.password or ""))
    return Address(url, login, query)
