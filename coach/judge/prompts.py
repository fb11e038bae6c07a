"""Building the prompts: the parts that repeat come first, so that a server's prefix cache pays for them once."""

from __future__ import annotations

from collections.abc import Sequence

from coach.answer.answer import Sentence
from coach.bank.questions import TOP_LEVEL, Check
from coach.judge.judging import JudgeTask
from coach.judge.templates import PromptTemplates, neutralise
from coach.model.completion import Message

#: Between the parts of a message.
_GAP = "\n\n"


def rubric_lines(task: JudgeTask) -> str:
    """Return the rubric's criteria, one a line, with what the top level shows."""
    return "\n".join(f"- {c.title}: {c.levels[TOP_LEVEL].descriptor}" for c in task.rubric.criteria)


def structured_messages(templates: PromptTemplates, task: JudgeTask) -> tuple[Message, ...]:
    """Return the prompt of the structured method: the whole rubric and all checks in one request."""
    system = templates.render("structured.system.txt", profession=task.profession)
    user = templates.render(
        "structured.user.txt",
        question=task.question.text,
        rationale=task.question.rationale,
        rubric_title=task.rubric.title,
        criteria=_criteria_with_levels(task),
        checks="\n".join(f"- {check.id} ({check.kind}): {check.statement}" for check in task.checks),
        sentences=numbered(task.answer.judged_sentences),
    )
    return Message("system", system), Message("user", user)


def repair_message(templates: PromptTemplates, problem: str, checks: Sequence[Check]) -> Message:
    """Return the message that asks once more, for these checks only."""
    names = ", ".join(check.id for check in checks)
    return Message("user", templates.render("structured.repair.txt", problem=problem, checks=names))


def numbered(sentences: Sequence[Sentence]) -> str:
    """Return the sentences one a line with their numbers, our own marks neutralised."""
    return "\n".join(f"{sentence.number}. {neutralise(sentence.text)}" for sentence in sentences)


def _criteria_with_levels(task: JudgeTask) -> str:
    lines = []
    for criterion in task.rubric.criteria:
        lines.append(f"{criterion.title}:")
        lines += [f"  {level.level} ({level.title}): {level.descriptor}" for level in criterion.levels]
    return "\n".join(lines)


def check_messages(templates: PromptTemplates, task: JudgeTask, check: Check, answer: str) -> tuple[Message, ...]:
    """Return the prompt of the logprobs method: one answer, one check, one token as the reply.

    What repeats comes first: system prompt, question, rationale and rubric are the same for every answer to a question,
    and the answer is the same for all its checks, so that each check costs a server with a prefix cache a few words.
    """
    fixed, question = _fixed_parts(templates, task)
    said = templates.render("logprobs.answer.txt", answer=neutralise(answer))
    asked = templates.render("logprobs.check.txt", statement=check.statement)
    return fixed, Message("user", f"{question}{_GAP}{said}{_GAP}{asked}")


def reference_messages(templates: PromptTemplates, task: JudgeTask, check: Check, answer: str) -> tuple[Message, ...]:
    """Return the prompt for a check that has nothing but a sentence of a reference answer.

    Here the check comes before the answer: asked in this order the model agreed better with people's marks.
    """
    fixed, question = _fixed_parts(templates, task)
    asked = templates.render("logprobs.reference.txt", statement=check.statement, answer=neutralise(answer))
    return fixed, Message("user", f"{question}{_GAP}{asked}")


def fixed_characters(templates: PromptTemplates, task: JudgeTask) -> int:
    """Return how many characters of a check's user message are the same for every answer to the question."""
    return len(_fixed_parts(templates, task)[1]) + len(_GAP)


def _fixed_parts(templates: PromptTemplates, task: JudgeTask) -> tuple[Message, str]:
    system = templates.render("logprobs.system.txt", profession=task.profession)
    question = templates.render(
        "logprobs.question.txt",
        question=task.question.text,
        rationale=task.question.rationale,
        criteria=rubric_lines(task),
    )
    return Message("system", system), question
