"""The accuracy benchmark runs end to end, and keeps seeds that development does not see."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import accuracy
import accuracy_tables
import documents


def test_kept_seeds_are_not_those_of_development() -> None:
    assert not set(accuracy.KEPT) & set(accuracy.DEVELOPMENT)
    assert len(accuracy.KEPT) * len(accuracy.CONDITIONS) >= 200


def test_the_conditions_span_what_is_asked_for() -> None:
    sensors = {condition.sensor for condition in accuracy.CONDITIONS}
    assert {"S2A", "LC08", "LT05", "LE07"} <= sensors
    suns = [condition.sun_deg for condition in accuracy.CONDITIONS]
    assert min(low for low, _ in suns) <= 20
    assert max(high for _, high in suns) >= 65


def test_mapping_beats_the_plain_methods_on_a_site() -> None:
    chosen = tuple(one for one in accuracy.CONDITIONS if one.sensor in ("S2A", "LC08"))[:1]
    lakes, outlines = accuracy.rows_of_site(accuracy.DEVELOPMENT[0], chosen)
    score = {
        name: accuracy_tables.f1(lakes[lakes["method"] == name], part, 2e3)
        for name, part in outlines.groupby("method")
    }
    ours = score.pop("glacial_lakes")
    assert ours > 0.9
    assert max(score.values()) < ours - 0.2
    assert "clear" in accuracy_tables.report(lakes, outlines)


def test_the_tables_are_put_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "accuracy.md"
    begin, end = documents.MEASURED
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n", "utf-8")
    documents.rewrite(page, "new")
    text = page.read_text("utf-8")
    assert text.startswith("before") and text.endswith("after\n")
    assert "new" in text and "old" not in text


@pytest.mark.parametrize("page", ["accuracy.md"])
def test_the_document_shows_measured_tables(page: str) -> None:
    text = (BENCHMARKS.parent / "docs" / page).read_text("utf-8")
    begin, end = documents.MEASURED
    measured = text.partition(begin)[2].partition(end)[0]
    assert "### Targets" in measured
