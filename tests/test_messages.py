"""Errors, refusals and help in Russian: every one has its form, and every value survives."""

from __future__ import annotations

import ast
import re
import shutil
import string
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glacial_lakes
from glacial_lakes import errors
from glacial_lakes.cli.commands import cli, main
from glacial_lakes.errors import ConfigError, GlacialLakesError
from glacial_lakes.language.help_ru import HELP, in_russian
from glacial_lakes.language.messages import translate_clause, translate_error, translate_reason
from glacial_lakes.language.messages_ru import CLAUSES, PHRASES
from glacial_lakes.settings import TABLES, read_project

PACKAGE = Path(glacial_lakes.__file__).parent
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, GlacialLakesError)
}
SPOKEN = dict.fromkeys(ERRORS, (1, 2)) | {"SceneRefused": (1,), "Finding": (0, 2, 3)}
"""Which arguments of which calls are clauses."""
NAMES = {"Python", "rasterio", "pyogrio", "pyproj", "shapely"}
NAMED = {"to_number": 1, "to_time": 1, "to_name": 1, "_file": 3}
"""Functions that are told the name of what they read, and where."""


class Source:
    """A file of the package, and the texts that its expressions can be.

    Names and calls of functions of the file are followed; every other part is a placeholder.
    """

    def __init__(self, text: str) -> None:
        self.nodes = list(ast.walk(ast.parse(text)))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.open: set[ast.expr] = set()
        self.functions = {n.name: n for n in self.nodes if isinstance(n, ast.FunctionDef)}

    def calls(self, *names: str) -> Iterator[ast.Call]:
        for node in self.nodes:
            if isinstance(node, ast.Call) and called(node) in names:
                yield node

    def clauses(self) -> set[str]:
        found: set[str] = set()
        for call in self.calls(*SPOKEN):
            for place in SPOKEN[called(call)]:
                if place < len(call.args):
                    texts = self.clause(call.args[place])
                    is_line = called(call) == "SceneRefused"
                    found |= {part for t in texts for part in (t.split("; ") if is_line else [t])}
        return {text for text in found - NAMES if re.search("[a-z]{2}|GiB", text)}

    def clause(self, node: ast.expr) -> set[str]:
        """Return what a clause can be; of a parameter, what the callers in the file give."""
        texts = self.texts(node)
        home = self.home(node)
        if texts is None and isinstance(node, ast.Name) and isinstance(home, ast.FunctionDef):
            names = [argument.arg for argument in home.args.args]
            if node.id in names:
                place = names.index(node.id)
                given = [call.args[place] for call in self.calls(home.name)]
                return set().union(*map(self.clause, given))
        return texts or set()

    def texts(self, node: ast.expr) -> set[str] | None:
        """Return every text that an expression can be; None when that is not known here."""
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.JoinedStr(values=parts):
                texts = {""}
                for part in parts:
                    ends = {"{}"}
                    if isinstance(part, ast.Constant):
                        ends = {str(part.value)}
                    elif isinstance(part, ast.FormattedValue) and not isinstance(
                        part.value, ast.IfExp
                    ):
                        ends = self.texts(part.value) or ends
                    texts = {start + end for start in texts for end in ends}
                return texts
            case ast.IfExp(body=one, orelse=other):
                return self.any_of([one, other])
            case ast.Name(id=name):
                home = self.home(node)
                return self.any_of(self.given(name, home) or self.given(name, self.nodes[0]))
            case ast.Call(func=ast.Name(id=name)) if name in self.functions:
                inner = ast.walk(self.functions[name])
                return self.any_of(
                    [n.value for n in inner if isinstance(n, ast.Return) and n.value]
                )
        return None

    def any_of(self, nodes: list[ast.expr]) -> set[str] | None:
        if not self.open.isdisjoint(nodes):
            return None  # a function that calls itself
        self.open |= set(nodes)
        texts = [self.texts(node) for node in nodes]
        self.open -= set(nodes)
        known = [text for text in texts if text is not None]
        return set().union(*known) if texts and len(known) == len(texts) else None

    def home(self, node: ast.AST) -> ast.AST:
        while node in self.parents and not isinstance(node, ast.FunctionDef):
            node = self.parents[node]
        return node

    def given(self, name: str, home: ast.AST) -> list[ast.expr]:
        return [
            node.value
            for node in self.nodes
            if isinstance(node, ast.Assign)
            and self.home(node) is home
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ]


def called(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def sources() -> Iterator[Source]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield Source(path.read_text(encoding="utf-8"))


def spoken() -> set[str]:
    return set().union(*(source.clauses() for source in sources()))


def plain(template: str) -> str:
    return re.sub(r"\{\w*\}", "{}", template)


def fields(template: str) -> list[str]:
    return [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]


def filled(template: str, values: list[str]) -> str:
    return plain(template).format(*values)


SAMPLES = {"": "B03_é/1.5.tif", "phrase": "xyz-7", "names": "GPKG, KML", "value": "'a b'"}


def test_every_message_raised_has_a_russian_template_and_no_template_is_left_over() -> None:
    raised, known = spoken(), {plain(template) for template in CLAUSES}
    assert len(raised) > 180
    assert raised - known == set(), "add these to messages_ru.CLAUSES"
    assert known - raised == set(), "nobody says this any more"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('raise ConfigError(p, "new fault", f"see {p.name}")', {"new fault", "see {}"}),
        ("def f(x):\n told = 'is a' if x else f'is {x}'\n raise E(p, f'the {y} {told}')", set()),
        (
            "def f(x):\n told = 'is a' if x else f'is {x}'\n raise GridError(p, f'b{y} {told}')",
            {"b{} is a", "b{} is {}"},
        ),
        (
            "def f(a, what):\n return ResourceError(None, what)\ndef g():\n f(1, 'ran out')",
            {"ran out"},
        ),
        ("def f():\n remedy = str(e)\n raise GridError(p, 'no grid', remedy)", {"no grid"}),
    ],
)
def test_the_walk_finds_messages_however_they_are_built(text: str, found: set[str]) -> None:
    assert Source(text).clauses() == found


def test_every_name_of_a_metadata_value_has_a_russian_form() -> None:
    for source in sources():
        for call in source.calls(*NAMED):
            for text in source.texts(call.args[NAMED[called(call)]]) or ():
                if " " in text:
                    name = text.replace("{}", "ABC")
                    what = translate_clause(f"{name} is missing", "ru")
                    assert what != f"не указано: {name}", text


@pytest.mark.parametrize("template", CLAUSES)
def test_values_survive_and_no_template_swallows_another(template: str) -> None:
    values = [SAMPLES[field] for field in fields(template)]
    russian = translate_clause(filled(template, values), "ru")
    assert russian == CLAUSES[template].format(*values)
    assert all(value in russian for value in values)
    assert translate_clause(filled(template, values), "en") == filled(template, values)


@pytest.mark.parametrize("table", [CLAUSES, PHRASES])
def test_russian_forms_are_russian_and_take_every_value(table: dict[str, str]) -> None:
    for english, russian in table.items():
        assert re.search("[А-Яа-яё]", russian), english
        places = [int(place or index) for index, place in enumerate(fields(russian))]
        assert sorted(places) == list(range(len(fields(english)))), english
        assert set(fields(english)) <= SAMPLES.keys(), english


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20))
def test_any_name_in_a_message_is_kept(name: str) -> None:
    error = ConfigError(f"{name}.toml", f"[inputs] has no key {name}", f"did you mean {name}?")
    told = translate_error(error, "ru")
    assert told == f"GL2000 {name}.toml: в [inputs] нет ключа {name}; может быть, {name}?"
    assert translate_reason(str(error), "ru") == told


@pytest.mark.parametrize(
    "text", ["", "a text that nobody wrote", "TypeError: it is bad", "no such table: lakes"]
)
def test_unknown_text_stays_english(text: str) -> None:
    assert translate_clause(text, "ru") == text
    for line in (text, f"GL1000 {text}", f"GL1000 a b.tif: {text}; do that; and this"):
        assert translate_reason(line, "ru") == line


@pytest.mark.parametrize(
    ("line", "russian"),
    [
        (
            "GL1004 MTD.xml: is not valid XML (a: b; c); download the product again",
            "GL1004 MTD.xml: не является правильным XML (a: b; c); скачайте продукт заново",
        ),
        (
            r"GL4000 C:\My data: 1; 2\x.tif: the header claims 9 x 8 pixels; "
            "no scene is as large; download it again",
            r"GL4000 C:\My data: 1; 2\x.tif: в заголовке указано 9 x 8 пикселей; "
            "таких больших снимков нет; скачайте заново",
        ),
        (
            "GL1003 x_MTL.txt: the sensing time is '2021'; "
            "give date, time and zone, e.g. 2021-08-24T06:08:07Z",
            "GL1003 x_MTL.txt: недопустимое значение: время съёмки = '2021'; "
            "укажите дату, время и часовой пояс, например 2021-08-24T06:08:07Z",
        ),
        (
            "has the name of another scene, b/L: 5.tar; rename one of them",
            "называется так же, как другой снимок, b/L: 5.tar; переименуйте один из них",
        ),
        (
            "GL0000 ValueError: a; b; run again with --debug and report it",
            "GL0000 ValueError: a; b; запустите ещё раз с --debug и сообщите об ошибке",
        ),
    ],
)
def test_a_stored_line_is_cut_at_the_right_places(line: str, russian: str) -> None:
    assert translate_reason(line, "ru") == russian
    assert translate_reason(line, "en") == line


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
                told = translate_error(error, "ru").replace(key, "")
                told = re.sub(r'"\w*"|shp, gpkg, .*report|GL2000 command line', "", told)
                assert not re.search("[a-z]{2}", told), told


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    """Return a function that runs the command line in this process: code, stdout and stderr."""

    def run_command(*arguments: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        return (caught.value.code, *capsys.readouterr())

    return run_command


def test_a_wrong_key_is_told_in_russian(call, tmp_path: Path) -> None:
    project = tmp_path / "p.toml"
    project.write_text('[inputs]\nscens = ["a"]\n', encoding="utf-8")
    told = f"GL2000 {project}: в [inputs] нет ключа scens; может быть, scenes?\n"
    assert call("--lang", "ru", "run", project) == (2, "", told)
    assert "has no key scens; did you mean scenes?" in call("run", project)[2]


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


def commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from commands(below)


def helps(command: click.Command) -> set[str]:
    found = {command.help, command.epilog, *(getattr(p, "help", None) for p in command.params)}
    return {text for text in found if text}


def test_every_help_text_has_a_russian_form_and_none_is_left_over() -> None:
    assert set().union(*map(helps, commands(cli))) == HELP.keys()
    assert set().union(*map(helps, commands(in_russian(cli)))) == set(HELP.values())


def test_help_is_russian_where_the_environment_says_so(call, monkeypatch) -> None:
    monkeypatch.setenv("GLACIAL_LAKES_LANGUAGE", "ru")
    assert "Каталоги ледниковых озёр" in call("--help")[1]
    assert "Контуры ледников" in call("map", "--help")[1]
    monkeypatch.delenv("GLACIAL_LAKES_LANGUAGE")
    assert not re.search("[А-Яа-я]", call("--help")[1] + call("map", "-h")[1])


def test_findings_of_the_doctor_are_russian(call) -> None:
    code, out, _ = call("doctor", "--lang", "ru")
    assert "временная папка" in out
    assert code in (0, 1)
