"""The prompt templates are read from their folder with their version, and every shipped one can be filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from coach.errors import PromptTemplateError
from coach.judge.prompt_files import load_prompts


def test_every_text_file_of_the_folder_is_a_template(tmp_path: Path) -> None:
    """Names are those of the files, a final line break is none of the text, and other files are left alone."""
    (tmp_path / "VERSION").write_text("7\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("Grüße an $name\n", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"two\r\nlines\r\n")
    (tmp_path / "notes.md").write_text("not a template", encoding="utf-8")

    prompts = load_prompts(tmp_path)

    assert prompts.version == "7"
    assert prompts.texts == {"a.txt": "Grüße an $name", "b.txt": "two\nlines"}
    assert prompts.render("a.txt", name="alle") == "Grüße an alle"


def test_the_shipped_templates_are_sound() -> None:
    """No shipped template has a stray dollar sign, and a missing value is always noticed."""
    prompts = load_prompts()

    assert prompts.version
    assert prompts.texts
    for name, text in prompts.texts.items():
        assert text.strip()
        if "$" in text:
            with pytest.raises(PromptTemplateError, match="no value for"):
                prompts.render(name)


@pytest.mark.parametrize("broken", ["missing folder", "no version", "not text"])
def test_prompts_that_cannot_be_read_are_an_error(tmp_path: Path, broken: str) -> None:
    """The error names the folder and the way out."""
    folder = tmp_path / "prompts"
    if broken != "missing folder":
        folder.mkdir()
        (folder / "a.txt").write_bytes(b"\xff\xfe\xff")
    if broken == "not text":
        (folder / "VERSION").write_text("1", encoding="utf-8")

    with pytest.raises(PromptTemplateError) as caught:
        load_prompts(folder)

    assert str(folder) in caught.value.message
    assert caught.value.hint
