"""The result of ``coach doctor``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from coach.schema import ResultModel


class Finding(ResultModel):
    """One thing that was looked at: ``ok``, ``warning`` (works, with a loss) or ``failed``."""

    name: str
    state: Literal["ok", "warning", "failed"]
    detail: str
    hint: str = ""


class Checkup(ResultModel):
    """Everything that ``coach doctor`` found, in the order it looked."""

    schema_: Literal["coach/doctor@1"] = Field(default="coach/doctor@1", alias="schema")
    coach_version: str
    findings: list[Finding]
    exit_code: int = 0
