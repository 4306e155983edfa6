"""Versions for .ci/run: the lowest that pyproject.toml allows, or those of a report of pip."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BOUND = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)")


def lower_bounds(*, extras: tuple[str, ...] = ("test",)) -> dict[str, str]:
    """Return the lower bound of each package that runs or tests the library, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    found = {}
    for text in wanted:
        match = _BOUND.fullmatch(text)
        if match is None:
            raise SystemExit(f"pyproject.toml: {text!r} has no lower bound; write name>=version")
        found[match[1]] = match[2]
    return dict(sorted(found.items()))


def of_report(path: Path) -> dict[str, str]:
    """Return the versions that pip would install, without the library itself."""
    report = json.loads(path.read_text(encoding="utf-8"))
    told = (entry["metadata"] for entry in report["install"])
    found = {entry["name"].lower().replace("_", "-"): entry["version"] for entry in told}
    found.pop("glacial-lakes", None)
    return dict(sorted(found.items()))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["lowest"]:
            versions = lower_bounds()
        case ["report", path]:
            versions = of_report(Path(path))
        case _:
            sys.exit("usage: bounds.py lowest | bounds.py report FILE")
    for name, version in versions.items():
        print(f"{name}=={version}")
