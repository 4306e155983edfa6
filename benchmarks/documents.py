"""The measured parts of documents stand between two marks, and benchmarks replace them."""

from __future__ import annotations

from pathlib import Path

MEASURED = ("<!-- measured -->", "<!-- end of measured -->")


def rewrite(document: Path, text: str, marks: tuple[str, str] = MEASURED) -> None:
    """Replace what stands between the marks of a document."""
    begin, end = marks
    before, _, rest = document.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")
