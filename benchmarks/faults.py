"""What is left after a day of breaking it: kills, full disks, races, damage, hostility, poison.

    python benchmarks/faults.py --minutes 30             # writes docs/reliability.md
    python benchmarks/faults.py --quick                  # two minutes, prints only
    python benchmarks/faults.py --only damaged --minutes 5

Each part gets its share of the minutes and does trials, chosen by the seed, until they are over.
Trials run the command line on three sample scenes, in children that may die. It needs Linux; the
full disk is a small file system in memory for root, and a limit of the size of files for others.
"""

from __future__ import annotations

import argparse
import platform
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from documents import rewrite
from fault_trials import (
    Bench,
    Finding,
    damaged,
    full_disk,
    hostile,
    killed,
    poisoned,
    renamed,
    together,
)

import glacial_lakes.ingest.track_files
import glacial_lakes.review.review_file
import glacial_lakes.validation.validate
import glacial_lakes.workflow.map_files
import glacial_lakes.workflow.run  # noqa: F401 (loaded once, for all children)
from glacial_lakes.runtime.revision import code_version

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
SEED = 20261129
LISTED = 12
"""Failures that are told one by one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of trials."""

    promise: str
    share: float
    """Of the time."""
    trials: Callable[[Bench, random.Random], Iterator[Finding]]


PARTS: Mapping[str, Part] = {
    "renamed": Part(
        "killed at each change of a name on the disk: every command then sees the older results "
        "or the new ones whole, and the next run gives the same bytes as one that was not killed",
        0.22,
        renamed,
    ),
    "killed": Part("killed at a random instant: the same", 0.15, killed),
    "full disk": Part(
        "the disk is full at another byte each time: one line, no success that is none, older "
        "results whole, and the same bytes once there is room",
        0.13,
        full_disk,
    ),
    "together": Part(
        "two and five commands on one output at a time: each is done or says who holds it, and "
        "what is left is whole and of one of them",
        0.12,
        together,
    ),
    "damaged": Part(
        "a file is cut short, has bits flipped or a block of zeros, or is another file: "
        "the right areas, or one line",
        0.25,
        damaged,
    ),
    "hostile": Part(
        "an input reaches for other files, hosts or programs: no read of the canary, no request, "
        "no file elsewhere, one line",
        0.06,
        hostile,
    ),
    "poisoned": Part(
        "bad scenes, and servers that misbehave, among good ones: the good ones are mapped as "
        "without them",
        0.07,
        poisoned,
    ),
}


@dataclass(slots=True)
class Tally:
    """What came of a part."""

    kinds: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    untold: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def tally(part: Part, bench: Bench, seed: int, minutes: float) -> Tally:
    """Do trials of a part until the time is over, or all are done."""
    end = time.monotonic() + 60 * minutes
    found = Tally()
    trials = part.trials(bench, random.Random(seed))  # noqa: S311 (no secret)
    for finding in trials:
        found.kinds[finding.kind] += 1
        found.held[finding.kind] += not (finding.fault or finding.untold)
        found.untold[finding.kind] += finding.untold
        if finding.fault:
            found.failures.append(f"{finding.kind}, {finding.trial}: {finding.fault}")
            print("  ", found.failures[-1], flush=True)
        if time.monotonic() > end:
            break
    return found


def table(found: Mapping[str, Tally], how: str) -> str:
    """Return what was found as Markdown."""
    lines = [how, "", "| trials | what | held | nothing could tell |", "|---|---|---|---|"]
    for name, one in found.items():
        for kind, count in sorted(one.kinds.items()):
            untold = one.untold[kind] or ""
            lines.append(f"| {name} | {kind} | {one.held[kind]} of {count} | {untold} |")
    failures = [f"{name}: {text}" for name, one in found.items() for text in one.failures]
    if failures:
        lines += ["", "What did not hold:", ""]
        lines += [f"- {_plain(text)}" for text in failures[:LISTED]]
        if len(failures) > LISTED:
            lines.append(f"- and {len(failures) - LISTED} more")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return " ".join(text.replace("|", "/").replace("`", "'").replace("<", "&lt;").split())[:300]


def main() -> None:
    """Do the trials and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--quick", action="store_true", help="two minutes; the page stays")
    parser.add_argument("--only", choices=PARTS, action="append", help="the page stays")
    options = parser.parse_args()
    chosen = options.only or list(PARTS)
    minutes = 2.0 if options.quick else options.minutes
    shares = sum(PARTS[name].share for name in chosen)
    found: dict[str, Tally] = {}
    version = code_version()
    with tempfile.TemporaryDirectory(prefix="faults") as folder:
        bench = Bench.make(Path(folder))
        for name in chosen:
            print(f"{name}:", flush=True)
            part = PARTS[name]
            found[name] = tally(part, bench, options.seed, minutes * part.share / shares)
    how = (
        f"Version {version}, {platform.system()}, Python {platform.python_version()}: "
        f"`python benchmarks/faults.py --minutes {minutes:g} --seed {options.seed}`"
    )
    code_version.cache_clear()
    if code_version() != version:  # it stands in every result
        raise SystemExit("the code was changed meanwhile: the trials say nothing")
    text = table(found, how)
    print(text)
    if not options.quick and not options.only:
        rewrite(PAGE, text)


if __name__ == "__main__":
    main()
