"""Messages keep their template and values, wherever they go, and are told in any language."""

from __future__ import annotations

import ast
import copy
import json
import logging
import pickle
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from texts import spoken, trees

from glacial_lakes import errors, schema
from glacial_lakes.cli.console import Options, set_up_log
from glacial_lakes.errors import ConfigError, GlacialLakesError, Message, VectorError
from glacial_lakes.language import in_language
from glacial_lakes.settings import EXPORT_FORMATS, TABLES, read_project

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20)


def no_key(name: str) -> ConfigError:
    return ConfigError(
        f"{name}.toml",
        "[{table}] has no key {name}",
        Message("did you mean {name}?", name=name),
        table="inputs",
        name=name,
    )


@given(NAMES)
def test_any_name_in_a_message_is_kept_in_every_language(name: str) -> None:
    error = no_key(name)
    assert str(error) == (f"GL2000 {name}.toml: [inputs] has no key {name}; did you mean {name}?")
    assert in_language(error, "en") == str(error)
    assert in_language(error, "ru") == (
        f"GL2000 {name}.toml: в [inputs] нет ключа {name}; может быть, {name}?"
    )


@given(NAMES)
def test_an_error_is_the_same_after_a_way_between_processes(name: str) -> None:
    packed = pickle.dumps(no_key(name))
    for back in (pickle.loads(packed), copy.deepcopy(no_key(name))):
        assert type(back) is ConfigError
        assert str(back) == str(no_key(name))
        assert in_language(back, "ru") == in_language(no_key(name), "ru")


@given(NAMES)
def test_a_message_that_was_kept_as_json_is_told_like_a_fresh_one(name: str) -> None:
    line = no_key(name).line
    back = Message.from_json(json.loads(json.dumps(line.as_json())))
    assert back == line == str(no_key(name))
    assert in_language(back, "ru") == in_language(line, "ru")


@pytest.mark.parametrize("kind", [k for k in vars(errors).values() if isinstance(k, type)])
def test_every_kind_of_error_can_be_told_without_path_and_remedy(kind: type) -> None:
    if issubclass(kind, GlacialLakesError):
        assert str(kind(None, "is cut short")) == f"{kind.code} is cut short"
        assert str(kind("a", "is cut short")) == f"{kind.code} a: is cut short"
        assert (
            in_language(kind(None, "is cut short"), "ru") == f"{kind.code} обрывается на середине"
        )


@pytest.mark.parametrize("name", ["{", "}", "{}", "{name}", "{0}", "{name.__class__}", "%s", ""])
def test_braces_in_names_are_no_placeholders(name: str) -> None:
    assert str(VectorError(None, "has no column {name}", name=name)).endswith(
        f"column {name}".strip()
    )
    assert str(VectorError(None, f"is {name}")).endswith(f"is {name}".strip())


@pytest.mark.parametrize(
    "template", ["a {", "a {lost}", "a {name.__class__}", "a {name[0]}", "a {name:99999999}", "{0}"]
)
def test_a_message_that_cannot_be_filled_is_told_unfilled(template: str) -> None:
    assert Message(template, name="x") == template
    kept = {"template": template, "values": {"name": "x"}}
    assert in_language(Message.from_json(kept), "ru") == template


def test_values_are_told_as_their_template_says() -> None:
    assert Message("{share:.1f} of {n}", share=np.float32(0.25), n=np.int64(3)) == "0.2 of 3"
    assert Message("{text!r}", text="a b") == "'a b'"
    assert Message("one of {names}", names=["a", "b"]) == "one of a, b"
    assert Message("{path}", path=Path("a") / "b") == str(Path("a") / "b")


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [
        (0, "0 scenes mapped", "обработано 0 снимков"),
        (1, "1 scene mapped", "обработан 1 снимок"),
        (3, "3 scenes mapped", "обработано 3 снимка"),
        (11, "11 scenes mapped", "обработано 11 снимков"),
        (21, "21 scenes mapped", "обработан 21 снимок"),
        (112, "112 scenes mapped", "обработано 112 снимков"),
    ],
)
def test_a_message_that_counts_has_the_form_of_its_number(
    count: int, english: str, russian: str
) -> None:
    told = Message("{count} scene mapped", "{count} scenes mapped", count=np.int64(count))
    kept = json.loads(json.dumps(told.as_json()))
    for message in (told, pickle.loads(pickle.dumps(told)), Message.from_json(kept)):
        assert message == english
        assert in_language(message, "ru") == russian
    outer = Message(
        "{mapped}, {reused} as before, {refused} refused", mapped=told, reused=0, refused=0
    )
    assert in_language(outer.with_texts(str.upper), "en").startswith(english)


def test_what_the_package_tells_its_log_is_on_the_screen_in_the_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = "{path}: {count} invalid polygon repaired"
    many = "{path}: {count} invalid polygons repaired"
    log = logging.getLogger("glacial_lakes")
    handlers, level = log.handlers[:], log.level
    try:
        set_up_log(Options(lang="ru", log_file=str(tmp_path / "a.log")))
        log.warning(Message(one, many, path="a.shp", count=2))
        log.warning("%d%% of another program", 5)
    finally:
        for handler in log.handlers:
            handler.close()
        log.handlers[:] = handlers
        log.setLevel(level)
    said = capsys.readouterr().err.splitlines()
    assert said == ["a.shp: исправлено 2 неправильных полигона", "5% of another program"]
    assert "a.shp: 2 invalid polygons repaired" in (tmp_path / "a.log").read_text(encoding="utf-8")


def test_no_line_of_the_log_is_of_one_language_only() -> None:
    said = [
        (path.name, ast.unparse(node.args[0]))
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"debug", "info", "warning", "error", "exception"}
        and ast.unparse(node.func.value).lower() in {"_log", "logger", "log"}
    ]
    assert len(said) > 20
    assert [line for line in said if line[1].startswith(("'", '"', "f'", 'f"'))] == []


def test_a_message_in_a_message_is_told_in_its_language_too() -> None:
    inner = Message("a number from {low:g} to {high:g}", low=0.0, high=90)
    assert in_language(Message("give {allowed}", allowed=inner), "ru") == "нужно: число от 0 до 90"
    parts = [Message("attributes"), Message("CRS")]
    assert in_language(Message("lacks {missing}", missing=parts), "ru") == (
        "не хватает: атрибуты, система координат"
    )


@pytest.mark.parametrize("text", ["", "a text that nobody wrote", "TypeError: it is bad; do that"])
def test_unknown_text_stays_english(text: str) -> None:
    assert in_language(text, "ru") == text
    assert in_language(Message(text), "ru") == text


@pytest.mark.parametrize(
    "key", [f"{name}.{key}" for name in TABLES for key in TABLES[name]().__dataclass_fields__]
)
def test_every_setting_tells_in_russian_what_it_takes(key: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("", encoding="utf-8")
    for wrong in ({}, -1, "", [], [0], 10**9, ["x", ""]):
        try:
            read_project(path, overrides={key: wrong}, environment={})
        except ConfigError as error:
            if error.path == "command line":
                told = in_language(error, "ru").replace(key, "")
                told = re.sub(
                    rf'"\w*"|\{{ stac = .*? \}}|\bru\b|\ben\b|{", ".join(EXPORT_FORMATS)}'
                    "|GL2000 command line",
                    "",
                    told,
                )
                assert not re.search("[a-z]{2}", told), told


@pytest.mark.parametrize(
    "text", ["a = [", "a", "[x", 'a = "x\nb = 1', "a=1\na=2", "a=[1 2]", "a=1 b", "[a]\n[a]", "$=1"]
)
def test_what_is_no_toml_is_told_in_russian(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_project(path, environment={})
    told = in_language(caught.value, "ru").replace(str(path), "")
    assert "is no TOML: " in str(caught.value)
    assert re.search("[A-Za-z]{2}", re.sub("GL2000|TOML|Windows", "", told)) is None, told


@pytest.mark.usefixtures("here")
def test_a_broken_scene_has_its_reason_in_russian(call, sample_data: Path, tmp_path: Path) -> None:
    good, broken = sorted((sample_data / "scenes").glob("L*_L2SP_*"))[:2]
    for scene in (good, broken):
        shutil.copytree(scene, tmp_path / "scenes" / scene.name)
    for image in (tmp_path / "scenes" / broken.name).glob("*SR_B3*"):
        image.unlink()
    project = tmp_path / "project.toml"
    project.write_text('[inputs]\nscenes = ["scenes"]\n', encoding="utf-8")
    code, out, err = call("run", project, "--lang", "ru")
    assert code == 3, err
    page = (tmp_path / "output" / "report.html").read_text(encoding="utf-8")
    told = re.search(rf"{broken.name}<span[^>]*>отклонён: (.*?)</span>", page)
    assert told, page
    assert re.fullmatch(
        rf"GL1002 не хватает: канал \w+, {broken.name}_SR_B3.TIF; скачайте продукт целиком", told[1]
    )
    assert told[1] in out
    assert told[1] in err


def no_folder(path: Path) -> None:
    (path / "a").write_text("x")


def no_file(path: Path) -> None:
    path.parent.read_text()


def no_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA schema_version")


def locked(path: Path) -> None:
    path.unlink()
    with (
        closing(sqlite3.connect(path)) as one,
        closing(sqlite3.connect(path, timeout=0)) as other,
    ):
        one.execute("BEGIN EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")


def no_image(path: Path) -> None:
    rasterio.open(path)


def no_outlines(path: Path) -> None:
    pyogrio.read_info(path)


@pytest.mark.parametrize(
    ("refused", "russian"),
    [
        (no_folder, "это не папка"),
        (no_file, "это папка"),
        (no_database, "файл не является базой данных"),
        (locked, "база данных занята другой программой"),
        (no_image, "формат файла не поддерживается"),
        (no_outlines, "формат файла не поддерживается"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_why_the_system_or_a_library_refuses_a_file_is_told_in_russian(
    refused: Callable[[Path], None], russian: str, tmp_path: Path
) -> None:
    path = tmp_path / "lakes.gpkg"
    path.write_text("no such thing " * 99)
    with pytest.raises(Exception) as caught:
        refused(path)
    said = getattr(caught.value, "strerror", None) or str(caught.value)
    message = Message("cannot be written: {reason}", reason=caught.value)
    assert message == f"cannot be written: {said}"
    for told in (
        message,
        Message.from_json(message.as_json()),
        pickle.loads(pickle.dumps(message)),
    ):
        assert russian in in_language(told, "ru")


def test_no_template_asks_for_a_form_that_a_kept_value_has_no_more() -> None:
    """Values are kept as JSON holds them: a time is a text, and fits no format of times."""
    asked = re.compile(r"\{\w+:[^}]*%[^}]*\}")
    package = Path(errors.__file__).parent
    templates = re.compile(r"\b(?:N_|Message)\(\s*\"([^\"]*)\"")
    for path in package.rglob("*.py"):
        found = templates.findall(path.read_text(encoding="utf-8"))
        assert not [text for text in found if asked.search(text)], path.name


def values_of_messages(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield what is told in messages and errors: the placeholder and its expression."""
    for call, _ in spoken(tree):
        yield from ((word.arg or "", word.value) for word in call.keywords)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(r"(C\.[A-Z_0-9]+|column\.name|str\(column\))$", id="a bare column"),
        pytest.param(r".*(isoformat|strftime|%Y-%m-%d)", id="a day in one form"),
    ],
)
def test_no_message_tells(form: str) -> None:
    told = [
        (path.name, name, ast.unparse(value))
        for path, tree in trees()
        for name, value in values_of_messages(tree)
        if re.match(form, ast.unparse(value), re.DOTALL)
    ]
    assert told == []


def test_no_command_prints_a_day_in_the_form_of_one_language() -> None:
    for path, tree in trees():
        if path.parent.name == "cli":
            formats = [node for node in ast.walk(tree) if isinstance(node, ast.FormattedValue)]
            assert [ast.unparse(n) for n in formats if "%Y" in ast.unparse(n)] == [], path.name


def test_a_day_and_a_column_in_a_message_are_told_in_the_language() -> None:
    day = Message.of_day(date(2021, 8, 2))
    told = Message("no image of the inventory is of {time}", time=day)
    assert told == "no image of the inventory is of 2021-08-02"
    for one in (told, pickle.loads(pickle.dumps(told)), Message.from_json(told.as_json())):
        assert in_language(one, "ru").endswith(" 02.08.2021")
    column = schema.COMMENT.mention("Comment")
    assert column == '"Comment of a person" (Comment)'
    assert in_language(column, "ru") == "«Примечание человека» (Comment)"
