"""Tests of coach.calibrate.agreement_report."""

from __future__ import annotations

from calibration_cases import full_report
from gold_factory import STACK

from coach.calibrate.calibration import AgreementReport


def test_the_report_names_its_questions() -> None:
    """Each question of the file stands in the report with its text."""
    assert STACK[0] in [item.text for item in full_report().questions]


def test_the_report_is_read_back_from_its_json() -> None:
    """JSON holds the same object as the other views, under the contract's names."""
    report = full_report()

    data = report.model_dump_json(by_alias=True)

    assert AgreementReport.model_validate_json(data) == report
    assert '"schema":"coach/agreement@1"' in data
    assert "NaN" not in data
