"""The two bases of all data models: editable input and produced results."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError


class StrictModel(BaseModel):
    """Data that people write: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ResultModel(BaseModel):
    """Data that the program writes: closed, so that a typo in a field name cannot go unnoticed."""

    model_config = ConfigDict(extra="forbid")

    def to_json(self) -> str:
        """Return the result as ``--json`` prints it: indented, with the contract's field names."""
        return self.model_dump_json(by_alias=True, indent=2)


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong with a document, and where; never its content."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
