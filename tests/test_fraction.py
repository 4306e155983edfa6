"""How far a command is: told in percent, for programs that show it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import Call
from hypothesis import given
from hypothesis import strategies as st
from sample_inventory import make_inventory

from glacial_lakes.cli.fraction import percents
from glacial_lakes.events import PartDone, SceneMapped, SceneRefused, StageStarted

STAGES = ("read", "map", "track", "export")
EVENTS = st.one_of(
    st.builds(StageStarted, st.sampled_from((*STAGES, "other")), st.integers(0, 9)),
    st.builds(PartDone, st.sampled_from((*STAGES, "other")), st.just("x")),
    st.just(SceneMapped("a", 1, 1.0)),
    st.just(SceneRefused("a", "is empty")),
)


@given(st.lists(EVENTS))
def test_percents_only_grow_and_stay_below_the_end(events: list) -> None:
    told: list[int] = []
    listen = percents(STAGES, told.append)
    for event in events:
        listen(event)
    assert told == sorted(set(told))
    assert all(0 <= percent < 100 for percent in told)


def test_mapping_is_most_of_a_run() -> None:
    told: list[int] = []
    listen = percents(("map", "track", "export"), told.append)
    listen(StageStarted("map", 4))
    for number in range(4):
        listen(SceneMapped(str(number), 1, 1.0))
    assert told == [0, 22, 45, 68, 90]


def shown(err: str) -> list[int]:
    return [int(found) for found in re.findall(r"(?m)^(\d+) %$", err)]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("verb", ["track", "review", "validate", "export", "run"])
def test_a_command_tells_how_far_it_is_where_that_is_asked_for(
    verb: str, call: Call, tmp_path: Path, finished: Path
) -> None:
    inventory = tmp_path / "inventory.gpkg"
    made = make_inventory(12)
    made.to_file(inventory)
    made.latest()[["lake_id", "geometry"]].to_file(tmp_path / "lakes_2020.gpkg")
    if verb == "run":
        shutil.copytree(finished.parent, tmp_path / "project")
        path = tmp_path / "project" / "project.toml"
        path.write_text(f'{path.read_text()}[export]\nformats = ["csv", "kmz"]\n')
    outlines, out = tmp_path / "lakes_2020.gpkg", tmp_path / "out"
    words: tuple[object, ...] = {
        "track": ("track", outlines, "-o", tmp_path / "tracked.gpkg"),
        "review": ("review", inventory, outlines, "--partial", "--dry-run"),
        "validate": ("validate", outlines, outlines),
        "export": ("export", inventory, "-o", out, "--format", "csv", "--format", "kmz"),
        "run": ("run", tmp_path / "project" / "project.toml"),
    }[verb]
    code, _, err = call("--progress", *words)
    assert code == 0, err
    told = shown(err)
    assert told == sorted(set(told))
    assert told[0] == 0 or verb == "run"  # of scenes that are mapped already none is left
    assert 0 < told[-1] < 100
    if verb == "export":
        assert told == [0, 50, 75]
    assert shown(call("--overwrite", *words)[2]) == []
