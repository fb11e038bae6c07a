"""Reading the prompt templates of ``prompts/``."""

from __future__ import annotations

from pathlib import Path

from coach.errors import PromptTemplateError
from coach.files import resource
from coach.judge.templates import PromptTemplates


def load_prompts(folder: Path | None = None) -> PromptTemplates:
    """Load every ``*.txt`` of the folder (default: the shipped one) and its ``VERSION``.

    Raises PromptTemplateError when the folder or a file cannot be read.
    """
    folder = folder or resource("prompts")
    try:
        version = (folder / "VERSION").read_text(encoding="utf-8").strip()
        texts = {path.name: path.read_text(encoding="utf-8").rstrip("\n") for path in sorted(folder.glob("*.txt"))}
    except (OSError, UnicodeDecodeError) as error:
        raise PromptTemplateError(
            f"{folder}: the prompts cannot be read ({error})", "Install the package again."
        ) from None
    return PromptTemplates(version, texts)
