"""What a batch would do: the answer of ``coach batch --dry-run``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from coach.batch.rows import SourceReport
from coach.schema import ResultModel


class ModelPrice(ResultModel):
    """What the input of a batch costs with one model, in US dollars at list price; None: not known."""

    model: str
    note: str
    input_usd: float | None = Field(description="When nothing is cached.")
    cached_input_usd: float | None = Field(description="When the server caches all that repeats.")
    most_usd: float | None = Field(description="Input without caching, and every reply as long as it may be.")
    likely_usd: float | None = Field(description="From the length of replies measured before; None: not measured.")


class BatchPlan(ResultModel):
    """What a run would find, send and cost. Nothing was sent for it."""

    schema_: Literal["coach/batch-plan@1"] = Field(default="coach/batch-plan@1", alias="schema")
    sources: list[SourceReport]
    rows: int
    unreadable: int
    empty_cells: int
    questions: dict[str, int]
    reused: int = Field(description="Rows that a run would not judge again, because they are finished.")
    identical: int = Field(description="Rows that would take over the result of an identical answer.")
    not_judged: int = Field(description="Rows without an answer that can be judged, such as empty ones.")
    to_judge: int
    judge: str
    model: str
    endpoint: str
    method_assumed: bool
    requests: int
    input_tokens: int
    tokens_exact: bool = Field(description="Whether the texts were counted with the model's own vocabulary.")
    tokens_source: str
    repeated_share: float | None = Field(description="Share (0-1) of the input that repeats the request before.")
    max_output_tokens: int
    prices: list[ModelPrice]
    minutes: float | None = Field(description="From the speed of an earlier run in the same directory; None: unknown.")
