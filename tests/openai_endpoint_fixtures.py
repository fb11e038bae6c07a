"""Models that are closed after the test. Use them with ``pytest_plugins = ("openai_endpoint_fixtures",)``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai_endpoint import BASE, KEY, MakeModel

from coach.model.openai_client import OpenAIChatModel


@pytest.fixture(autouse=True)
def quick_and_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between retries, and take no setting from the environment."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.0)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def make_model() -> AsyncIterator[MakeModel]:
    """Return a maker of models that are closed after the test."""
    made: list[OpenAIChatModel] = []

    def make(base_url: str = BASE, api_key: str | None = KEY, **settings: Any) -> OpenAIChatModel:
        made.append(OpenAIChatModel("gpt-x", base_url, api_key, **settings))
        return made[-1]

    yield make
    for model in made:
        await model.__aexit__()
