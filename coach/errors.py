"""Every error that the coach raises on purpose, as one tree.

* CoachError
  * InputError              wrong use or bad input (exit code 2)
    * UnknownQuestionError
    * BankError
    * PromptTemplateError
    * ConfigurationError
    * AnswerUnreadableError
  * ModelError              the model could not be reached or refused (exit code 4)
    * ModelConnectionError
      * ModelTimeoutError
    * ModelAuthenticationError
    * ModelNotFoundError
    * ModelQuotaError
    * ModelRateLimitError
    * ModelContentFilterError
    * ModelRequestError
    * ModelServerError
    * ModelReplyError
    * ModelCapabilityError
    * EmbeddedModelError
  * StorageError            a file or database could not be read or written (exit code 1)

Each error says what happened (``message``) and what to do next (``hint``).
"""

from __future__ import annotations


class CoachError(Exception):
    """Base of all errors that are meant for people: a message and a hint, never a traceback."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(CoachError):
    """The command was used wrongly or its input cannot be used."""

    exit_code = 2


class UnknownQuestionError(InputError):
    """No question of the bank has the id, number or text that was asked for."""


class BankError(InputError):
    """A question bank, a rubric or another YAML file of the product is broken."""


class PromptTemplateError(InputError):
    """A prompt template names variables that are not given, or cannot be parsed."""


class ConfigurationError(InputError):
    """The settings do not name a model that can be used."""


class AnswerUnreadableError(InputError):
    """The answer cannot be read as text."""


class ModelError(CoachError):
    """The model could not be reached, refused, or gave nothing that can be used."""

    exit_code = 4
    #: True when the same request may work later or elsewhere (used by batch grading).
    retryable = False


class ModelConnectionError(ModelError):
    """No connection to the endpoint."""

    retryable = True


class ModelTimeoutError(ModelConnectionError):
    """The endpoint did not answer in time."""


class ModelAuthenticationError(ModelError):
    """The endpoint refused the API key."""


class ModelNotFoundError(ModelError):
    """The endpoint does not know the model."""


class ModelQuotaError(ModelError):
    """The account behind the key has no quota left."""


class ModelRateLimitError(ModelError):
    """Too many requests; the endpoint asks to wait."""

    retryable = True

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class ModelContentFilterError(ModelError):
    """The endpoint's content filter blocked the request or the reply."""


class ModelRequestError(ModelError):
    """The endpoint refused the request as malformed, too long or unsupported."""


class ModelServerError(ModelError):
    """The endpoint failed on its side (HTTP 5xx)."""

    retryable = True


class ModelReplyError(ModelError):
    """The endpoint answered, but not with a chat completion that can be read."""

    retryable = True


class ModelCapabilityError(ModelError):
    """The endpoint cannot do what the method of judging needs, for this answer or any other."""


class EmbeddedModelError(ModelError):
    """The embedded model is missing, damaged or did not start."""


class StorageError(CoachError):
    """A cache, journal, history or report could not be read or written."""
