"""How many answers a second, beside the two leading graders with a batch mode: autorubric and DeepEval.

Usage: python benchmarks/batch_graders.py [ANSWERS] [ROUNDS] [--python GRADERS/bin/python]     (defaults 400 and 3)

The two are no dependencies of ours. Install them in an environment of their own, once:

    python -m venv GRADERS && GRADERS/bin/pip install autorubric==1.6.1 deepeval==4.3.1

All three grade the same answers against the same checks, one request for an answer, 64 in flight, at the same local
stub that answers at once, each with the batch mode that its documentation names: autorubric's ``evaluate`` with
``llm_calls="per_item"``, DeepEval's ``evaluate`` with a G-Eval metric whose steps are the checks, ours with the
structured method. Each keeps its results where it usually does: ours in its store, autorubric in its experiment
directory, DeepEval nowhere (its cache is off). Importing the packages does not count. Rounds alternate; medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from batch_throughput import IN_FLIGHT, Stub, batch, completion_response, rows

OURS = "coach"
OTHERS = ("autorubric", "deepeval")
#: Ids of criteria in autorubric's prompt.
_CRITERION = re.compile(r"\bc\d+\b")


class GradersStub(Stub):
    """Answers all three graders in the form that they ask for."""

    def _reply(self, body: bytes) -> bytes:
        if b'"RubricJudgment"' in body:
            prompt = json.dumps(json.loads(body)["messages"][-1])
            verdict = {"criterion_status": "MET", "selected_option": None, "explanation": "The answer says so."}
            ids = dict.fromkeys(_CRITERION.findall(prompt))
            judgments = [{"criterion_id": name, **verdict} for name in ids]
            return completion_response(json.dumps({"judgments": judgments, "reasoning": None}))
        if b'"sentences"' not in body:
            return completion_response(json.dumps({"reason": "The answer says so.", "score": 8}))
        return super()._reply(body)


def serve(ports: Queue[int]) -> None:
    """Run the stub for ever."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(GradersStub, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def tasks(count: int) -> list[dict[str, Any]]:
    """Return question, checks and answer of each row, for graders that know nothing of ours."""
    from assessment_factory import shipped_bank

    bank = shipped_bank()
    questions = {question.id: question for question in bank.questions}
    found = []
    for row in rows(count):
        question = questions[row.question_id]
        checks = [(check.statement, check.weight, check.kind) for check in bank.checks_of(question)]
        found.append({"question": question.text, "checks": checks, "answer": row.answer})
    return found


def autorubric(given: list[dict[str, Any]], url: str) -> float:
    """Return the seconds that autorubric takes."""
    from autorubric import Criterion, LLMConfig, Rubric, RubricDataset
    from autorubric.eval import evaluate
    from autorubric.graders import CriterionGrader

    model = LLMConfig(model="openai/stub", api_base=url, api_key="none", temperature=0.0)
    grader = CriterionGrader(judge_model_config=model, llm_calls="per_item")
    data = RubricDataset(name="rows")
    for task in given:
        criteria = [
            Criterion(name=f"check {number}", weight=weight if kind == "point" else -weight, requirement=statement)
            for number, (statement, weight, kind) in enumerate(task["checks"])
        ]
        data.add_item(submission=task["answer"], description="row", rubric=Rubric(criteria), prompt=task["question"])
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        result = asyncio.run(
            evaluate(
                data,
                grader,
                show_progress=False,
                max_concurrent_items=IN_FLIGHT,
                experiment_name="rows",
                experiments_dir=directory,
            )
        )
    assert result.successful_items == len(given), result
    return time.perf_counter() - began


def deepeval(given: list[dict[str, Any]], url: str) -> float:
    """Return the seconds that DeepEval takes."""
    from deepeval import evaluate
    from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
    from deepeval.metrics import GEval
    from deepeval.models import GPTModel
    from deepeval.test_case import LLMTestCase, LLMTestCaseParams

    model = GPTModel(model="stub", base_url=url, api_key="none", cost_per_input_token=0.0, cost_per_output_token=0.0)
    by_question: dict[str, list[dict[str, Any]]] = {}
    for task in given:
        by_question.setdefault(task["question"], []).append(task)
    began = time.perf_counter()
    graded = 0
    for group in by_question.values():
        metric = GEval(
            name="answer",
            evaluation_params=[LLMTestCaseParams.INPUT, LLMTestCaseParams.ACTUAL_OUTPUT],
            evaluation_steps=[statement for statement, _, _ in group[0]["checks"]],
            model=model,
        )
        cases = [LLMTestCase(input=task["question"], actual_output=task["answer"]) for task in group]
        result = evaluate(
            cases,
            [metric],
            async_config=AsyncConfig(max_concurrent=IN_FLIGHT),
            display_config=DisplayConfig(show_indicator=False, print_results=False, inspect_after_run=False),
            cache_config=CacheConfig(write_cache=False),
        )
        graded += sum(item.metrics_data[0].score is not None for item in result.test_results)
    assert graded == len(given), graded
    return time.perf_counter() - began


def in_their_environment(python: str, name: str, url: str, file: Path) -> float:
    """Return the answers a second of another grader, measured in its own environment."""
    private = {
        "DEEPEVAL_TELEMETRY_OPT_OUT": "1", "DEEPEVAL_NO_INSPECT_PROMPT": "1", "DEEPEVAL_UPDATE_WARNING_OPT_OUT": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENAI_API_KEY": "none", "COLUMNS": "200",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        result = subprocess.run(
            [python, __file__, "--run", name, "--url", url, "--file", str(file)],
            capture_output=True,
            text=True,
            check=False,
            cwd=directory,
            env={**os.environ, **private, "HOME": directory},
        )
    if result.returncode:
        raise SystemExit(f"{name} failed:\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return float(result.stdout.split()[-1])


def measure(count: int, rounds: int, python: str) -> int:
    """Measure all in turn and print them side by side; return 0 when ours is the fastest."""
    ports: Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ports.get()}/v1"
    speeds: dict[str, list[float]] = {name: [] for name in (OURS, *OTHERS)}
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "tasks.json"
        file.write_text(json.dumps(tasks(count)), encoding="utf-8")
        for _ in range(rounds):
            speeds[OURS].append(asyncio.run(batch(url, count)))
            for name in OTHERS:
                speeds[name].append(in_their_environment(python, name, url, file))
            print("  ".join(f"{name} {found[-1]:.1f}/s" for name, found in speeds.items()), flush=True)
    server.terminate()
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    print("answers a second: " + ", ".join(f"{name} {value:.1f}" for name, value in medians.items()))
    return 0 if medians[OURS] == max(medians.values()) else 1


def main() -> int:
    """Measure; with --run be one of the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("answers", nargs="?", type=int, default=400)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--python", default="python", help="the Python of the environment with the two others")
    parser.add_argument("--run", choices=OTHERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run is None:
        return measure(given.answers, given.rounds, given.python)
    found = json.loads(given.file.read_text(encoding="utf-8"))
    seconds = (autorubric if given.run == "autorubric" else deepeval)(found, given.url)
    print(len(found) / seconds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
