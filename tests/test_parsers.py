"""Whatever stands in a text, its parser gives a value or one line of ours, and soon."""

from __future__ import annotations

import random
import string
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from glacial_lakes.errors import ConfigError, GlacialLakesError
from glacial_lakes.ingest.dates import day_in_name, day_of, image_of
from glacial_lakes.ingest.fields import NAMES, field_map
from glacial_lakes.io.parsing import json_of, json_within, toml_of
from glacial_lakes.scenes.metadata import to_number, to_time
from glacial_lakes.scenes.mtl import read_mtl
from glacial_lakes.scenes.source import Source
from glacial_lakes.settings import project_template, read_project
from glacial_lakes.simulate.mtl import quoted, write_mtl

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import fuzz

QUICK = settings(max_examples=25, deadline=None, derandomize=True)
"""The same examples every time; ``benchmarks/fuzz.py`` looks farther."""

NAME = st.text(string.ascii_uppercase + "_", min_size=1, max_size=12)
VALUE = st.text(string.ascii_letters + string.digits + " .:-+/_<>&", min_size=1, max_size=20).map(
    str.strip
)


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_bytes_near_good_ones_give_a_value_or_one_line(target: str, tmp_path: Path) -> None:
    samples, chance = fuzz.GOOD[target](), random.Random(target)
    for content in samples:
        fuzz.run_target(target, tmp_path, content)
    for _ in range(40):
        fuzz.run_target(target, tmp_path, fuzz.mutated(chance.choice(samples), chance))


@pytest.mark.parametrize("target", ["mtl", "xml", "project", "record", "dates", "fields"])
def test_any_bytes_give_a_value_or_one_line(
    target: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(target)

    @seed(1)
    @QUICK
    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    @example(b"")
    @example(b"\xff\xfe\x00")
    @example(b"[" * 100_000)
    @example(b'{"a":' * 50_000)
    @example(b"a = " + b"9" * 5000)
    @example(b"A = x" + b" " * 200_000 + b"y")
    @example(b"S2A_" * 20_000)
    def check(content: bytes) -> None:
        fuzz.run_target(target, folder, content)

    check()


PROJECTS = {
    "nested": "a = " + "[" * 100_000,
    "digits": "[inputs]\nmonths = [" + "9" * 5000 + "]",
    "no float": "[area]\nmin_area_m2 = " + "9" * 400,
    "long name": f'[inputs]\ndem = "{"x" * 5000}"',
    "null in scenes": '[inputs]\nscenes = ["a\\u0000b"]',
    "null in output": '[project]\noutput = "a\\u0000b"',
}


@pytest.mark.parametrize("text", PROJECTS.values(), ids=PROJECTS)
def test_a_project_that_python_cannot_hold_is_refused_in_one_line(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "project.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        read_project(path, environment={})
    assert len(str(refusal.value).splitlines()) == 1


def test_nesting_without_end_is_a_fault_of_the_text() -> None:
    deep = "[" * 100_000
    for parse in (json_of, lambda text: json_within(text, 0), lambda text: toml_of(f"a = {text}")):
        with pytest.raises(ValueError, match="nested"):
            parse(deep)


@QUICK
@given(st.dictionaries(NAME, st.dictionaries(NAME, VALUE, min_size=1, max_size=4), max_size=4))
def test_the_three_forms_of_an_mtl_hold_the_same(
    tmp_path_factory: pytest.TempPathFactory, groups: dict[str, dict[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("mtl")
    kept = {
        name: {key: value for key, value in keys.items() if value and key not in _WORDS}
        for name, keys in groups.items()
    }
    kept = {f"G_{name}": keys for name, keys in kept.items() if keys}
    if not kept:
        return
    lines = [(name, [(k, quoted(v)) for k, v in keys.items()]) for name, keys in kept.items()]
    write_mtl(folder, "L", "ROOT", lines, ("txt", "json", "xml"))
    names = tuple(f"L_MTL.{ending}" for ending in ("txt", "json", "xml"))
    for name in names:
        assert read_mtl(Source(folder, "folder", names), name) == kept, name


_WORDS = {"GROUP", "END_GROUP"}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_project_that_is_written_is_read_as_the_defaults(tmp_path: Path, language: str) -> None:
    path = tmp_path / "project.toml"
    path.write_text(project_template(language), encoding="utf-8")
    read = read_project(path, environment={})
    (tmp_path / "empty.toml").write_text("", encoding="utf-8")
    default = read_project(tmp_path / "empty.toml", environment={})
    for table in ("area", "inputs", "mapping", "tracking", "export"):
        assert getattr(read, table) == getattr(default, table)


@QUICK
@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_day_is_read_as_it_is_written_in_every_form(day: date) -> None:
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y"):
        found = day_of(day.strftime(form))
        assert found is not None
        assert (found.time.date(), found.precision) == (day, "day")
    named = day_in_name(f"lakes_{day:%Y-%m-%d}_v2")
    assert named is not None
    assert named.time.date() == day
    image = image_of(f"LC08_L2SP_151030_{day:%Y%m%d}_20200904_02_T1")
    assert image is not None
    assert image.time.date() == day


@QUICK
@given(
    st.datetimes(datetime(1982, 1, 1), datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_a_time_is_one_instant_whatever_its_zone(time: datetime, zone: timezone) -> None:
    told = time.replace(tzinfo=UTC).astimezone(zone)
    assert to_time(told.isoformat(), "time", "x") == told


@QUICK
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_it_is_written(number: float) -> None:
    assert to_number(repr(number), "number", "x") == number
    assert to_number(number, "number", "x") == number


@QUICK
@given(st.sampled_from(sorted(NAMES)), st.text(min_size=1, max_size=20))
def test_a_field_is_named_by_all_behind_the_first_sign(ours: str, theirs: str) -> None:
    try:
        assert field_map(f"{ours}={theirs}") == (ours, theirs.strip())
    except GlacialLakesError:
        assert not theirs.strip()
