"""The two bases of all data models: editable input and produced results."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Data that people write: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ResultModel(BaseModel):
    """Data that the program writes: closed, so that a typo in a field name cannot go unnoticed."""

    model_config = ConfigDict(extra="forbid")
