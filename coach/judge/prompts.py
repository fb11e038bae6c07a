"""The prompts: templates from ``prompts/``, filled so that what repeats comes first for a server's prefix cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from coach.bank.questions import TOP_LEVEL, Check
from coach.errors import PromptTemplateError
from coach.files import resource
from coach.judge.judging import JudgeTask
from coach.model.completion import Message

#: Between the parts of a message.
_GAP = "\n\n"


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
        """Fill a template in a single pass: values are never scanned again, so they may contain ``$``.

        Raises PromptTemplateError that lists all placeholders without a value, or names a broken one.
        """
        if name not in self.texts:
            raise PromptTemplateError(f"there is no prompt template {name!r}", "Restore the file under prompts/.")
        template = Template(self.texts[name])
        if not template.is_valid():
            raise PromptTemplateError(
                f"prompts/{name}: a '$' that starts no placeholder", "Write '$$' for a dollar sign."
            )
        missing = sorted(set(template.get_identifiers()) - set(values))
        if missing:
            raise PromptTemplateError(
                f"prompts/{name}: no value for {', '.join('$' + identifier for identifier in missing)}",
                f"Known here: {', '.join('$' + identifier for identifier in sorted(values))}.",
            )
        return template.substitute(values)

    def structured(self, task: JudgeTask) -> tuple[Message, ...]:
        """Return the prompt of the structured method: the whole rubric and all checks in one request."""
        criteria = []
        for criterion in task.rubric.criteria:
            criteria.append(f"{criterion.title}:")
            criteria += [f"  {level.level} ({level.title}): {level.descriptor}" for level in criterion.levels]
        sentences = [f"{item.number}. {neutralise(item.text)}" for item in task.answer.judged_sentences]
        user = self.render(
            "structured.user.txt",
            question=task.question.text,
            rationale=task.question.rationale,
            rubric_title=task.rubric.title,
            criteria="\n".join(criteria),
            checks="\n".join(f"- {check.id} ({check.kind}): {check.statement}" for check in task.checks),
            sentences="\n".join(sentences),
        )
        system = self.render("structured.system.txt", profession=task.profession)
        return Message("system", system), Message("user", user)

    def repair(self, problem: str, checks: Sequence[Check]) -> Message:
        """Return the message of the structured method that asks once more, for these checks only."""
        names = ", ".join(check.id for check in checks)
        return Message("user", self.render("structured.repair.txt", problem=problem, checks=names))

    def one_check(self, task: JudgeTask, check: Check, answer: str, *, reference: bool) -> tuple[Message, ...]:
        """Return the prompt of the logprobs method: one answer, one check, one token as the reply.

        System prompt, question, rationale and rubric are the same for every answer to a question, and the answer is the
        same for all its checks, so that each check costs a server with a prefix cache a few words. A check that has
        nothing but a sentence of a ``reference`` answer comes before the answer: asked in this order the model agreed
        better with people's marks.
        """
        if reference:
            asked = self.render("logprobs.reference.txt", statement=check.statement, answer=neutralise(answer))
        else:
            said = self.render("logprobs.answer.txt", answer=neutralise(answer))
            asked = f"{said}{_GAP}{self.render('logprobs.check.txt', statement=check.statement)}"
        system = self.render("logprobs.system.txt", profession=task.profession)
        return Message("system", system), Message("user", f"{self._question(task)}{asked}")

    def fixed_characters(self, task: JudgeTask) -> int:
        """Return how many characters of a check's user message are the same for every answer to the question."""
        return len(self._question(task))

    def _question(self, task: JudgeTask) -> str:
        criteria = "\n".join(f"- {c.title}: {c.levels[TOP_LEVEL].descriptor}" for c in task.rubric.criteria)
        question, rationale = task.question.text, task.question.rationale
        return self.render("logprobs.question.txt", question=question, rationale=rationale, criteria=criteria) + _GAP


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


def neutralise(text: str) -> str:
    """Return a candidate's text in which our own block markers and chat control tokens cannot occur."""
    for marker, harmless in (('"""', "'''"), ("<|", "< |"), ("|>", "| >")):
        while marker in text:
            text = text.replace(marker, harmless)
    return text
