"""Prompt templates: ``$name`` placeholders, filled in a single pass."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from string import Template

from coach.errors import PromptTemplateError


@dataclass(frozen=True)
class PromptTemplates:
    """All template texts by file name, with their version."""

    version: str
    texts: dict[str, str]

    def fingerprint(self, method: str) -> str:
        """Return the version plus the first digits of a hash of the method's texts, for receipts and result keys.

        The texts of a method are those whose file name begins with it and a dot.
        """
        digest = hashlib.sha256()
        for name in sorted(self.texts):
            if name.startswith(f"{method}."):
                digest.update(f"{name}\0{self.texts[name]}\0".encode())
        return f"{self.version}+{digest.hexdigest()[:8]}"

    def render(self, name: str, /, **values: str) -> str:
        """Fill the template ``name``; see `render_template`."""
        if name not in self.texts:
            raise PromptTemplateError(f"there is no prompt template {name!r}", "Restore the file under prompts/.")
        return render_template(self.texts[name], name, values)


def render_template(text: str, name: str, values: dict[str, str]) -> str:
    """Replace every ``$placeholder`` once; values are never scanned again, so they may contain ``$``.

    Raises PromptTemplateError that lists all placeholders without a value, or names a broken one.
    """
    template = Template(text)
    if not template.is_valid():
        raise PromptTemplateError(f"prompts/{name}: a '$' that starts no placeholder", "Write '$$' for a dollar sign.")
    missing = sorted(set(template.get_identifiers()) - set(values))
    if missing:
        raise PromptTemplateError(
            f"prompts/{name}: no value for {', '.join('$' + identifier for identifier in missing)}",
            f"Known here: {', '.join('$' + identifier for identifier in sorted(values))}.",
        )
    return template.substitute(values)


def neutralise(text: str) -> str:
    """Return a candidate's text in which our own block markers and chat control tokens cannot occur."""
    for marker, harmless in (('"""', "'''"), ("<|", "< |"), ("|>", "| >")):
        while marker in text:
            text = text.replace(marker, harmless)
    return text
