"""How well the trained model understands a file of utterances. `python -m scripts.evaluate [FILE] [OUT]`

FILE holds JSON lines `{"text", "intent", "entities": [{"entity", "surface", "value"}]}`; the intent `safe` stands for
anything but a danger. OUT becomes the report as JSON. Bad figures are no error; a file that cannot be read is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bot import logs
from bot.channels.message import plain_text
from bot.model import ROOT
from scripts.scores import QUESTIONS, Line, report, value_of
from scripts.train import train

DEVELOPMENT_SETS = (ROOT / "tests" / "nlu" / "people.jsonl", ROOT / "tests" / "nlu" / "people_safety.jsonl")
REJECTED = "nlu_fallback"
WARM_UP = 10  # messages before the clock counts
OF_OURS = (*QUESTIONS, REJECTED)  # what stands in a ranking without being a reading


def main(arguments: list[str]) -> None:
    """Trains if it must, reads, measures, prints and writes."""
    files = [Path(arguments[0])] if arguments and arguments[0] else list(DEVELOPMENT_SETS)
    expected = [line for file in files for line in read(file)]
    found = asyncio.run(understood([line["text"] for line in expected], train()))
    lines = [compared(line, parse) for line, (parse, _) in zip(expected, found, strict=True)]
    times = [milliseconds for _, milliseconds in found[WARM_UP:] or found]
    figures = report(lines)
    figures["latency_ms_p50"], figures["latency_ms_p95"] = (round(float(np.percentile(times, p)), 2) for p in (50, 95))
    figures["errors"] = [error for line in lines for error in errors(line)]
    if len(arguments) > 1 and arguments[1]:
        Path(arguments[1]).write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(summary(figures))


def read(file: Path) -> list[dict[str, Any]]:
    """The utterances of a file. Ends the program with one line where it is none."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [{"text": str(line["text"]), "intent": str(line["intent"]), **line} for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{file} is no file of utterances: {error!r}")


async def understood(texts: list[str], model: Path) -> list[tuple[dict[str, Any], float]]:
    """What the assistant makes of each text, and how many milliseconds that took on one core."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage

    logs.configure()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    processor = Agent.load(str(model)).processor
    assert processor is not None  # noqa: S101 - `load` has raised where there is no model
    found = []
    for text in texts:
        began = time.perf_counter()
        parse = await processor.parse_message(UserMessage(plain_text(text).text))
        found.append((parse, (time.perf_counter() - began) * 1000))
    return found


def compared(expected: dict[str, Any], parse: dict[str, Any]) -> Line:
    """One line of the file with what was found for it."""
    ranking = parse.get("intent_ranking") or [parse["intent"]]
    got = parse["intent"]["name"]
    screened = got if got in QUESTIONS else ""
    if screened:
        got = next((reading["name"] for reading in ranking if reading["name"] not in QUESTIONS), REJECTED)
    reading = next((reading for reading in ranking if reading["name"] not in OF_OURS), parse["intent"])
    return Line(
        text=expected["text"],
        expected=expected["intent"],
        got=str(got),
        reading=str(reading["name"]),
        confidence=float(reading["confidence"]),
        screened=screened,
        expected_entities=[(e["entity"], value_of(e["value"])) for e in expected.get("entities") or []],
        got_entities=[(e["entity"], value_of(e["value"])) for e in parse.get("entities") or []],
    )


def errors(line: Line) -> list[dict[str, Any]]:
    """What is wrong about a line: its intent, its entities, or both."""
    about = {"text": line.text, "confidence": round(line.confidence, 3)}
    found = []
    if not line.right or (line.screened and not line.expected.startswith("report_")):
        found.append({**about, "expected": line.expected, "got": line.screened or line.got})
    wanted, got = sorted(line.expected_entities), sorted(line.got_entities)
    if line.right and not line.expected.startswith("report_") and line.expected != "safe" and wanted != got:
        found.append({**about, "expected": [list(e) for e in wanted], "got": [list(e) for e in got]})
    return found


def summary(figures: dict[str, Any]) -> str:
    """The figures for a person to read: numbers first, then what is taken for what, then each error."""
    head = [f"{name:24} {value}" for name, value in figures.items() if name not in ("errors", "confusions")]
    mixed = [f"{pair['count']:4}  {pair['expected']} taken for {pair['got']}" for pair in figures["confusions"]]
    wrong = [f"  {e['text']!r}: {e['expected']} | {e['got']} ({e['confidence']})" for e in figures["errors"]]
    return "\n".join([*head, "", "Confusions", *mixed, "", "Errors", *wrong])


if __name__ == "__main__":
    main(sys.argv[1:])
