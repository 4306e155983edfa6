"""Every text for people that the source holds, as the catalogues must have it."""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import string
from collections.abc import Iterator
from pathlib import Path

import click
from jinja2 import Environment, nodes

import glacial_lakes
from glacial_lakes import errors, schema, settings
from glacial_lakes.cli.commands import cli
from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.language import words_of
from glacial_lakes.scenes.families import ROWS
from glacial_lakes.scenes.rows import PRODUCT

PACKAGE = Path(glacial_lakes.__file__).parent
TEMPLATES = PACKAGE / "report" / "templates"
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, GlacialLakesError)
}
CALLS = dict.fromkeys(ERRORS, (1, 2)) | {
    "Finding": (0, 2, 3),
    "Message": (0,),
    "N_": (0,),
    "say": (0,),
    "translate": (0,),
    "BadParameter": (0,),
    "UsageError": (0,),
}
"""Which arguments of which calls are texts for people."""
NO_WORDS = {
    *("glacial-lakes", "Python", "rasterio", "pyogrio", "pyproj", "shapely", " (GEOS )"),
    *("Landsat 4–9 Collection 2 Level 2 (L2SP, L2SR)", "Landsat 4–9 Collection 2 Level 1"),
    *("Landsat 4–8 Collection 1 Level 1", "Sentinel-2 L1C"),
    *("QA_PIXEL, QA_RADSAT", "BQA", "Fmask"),
}

Source = tuple[str | None, str]
"""Context and text."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def has_words(text: str) -> bool:
    """Tell whether a text has words, and not only names of other things between placeholders."""
    plain = "".join(part for part, *_ in string.Formatter().parse(text)) if "{" in text else text
    return any(letter.isalpha() for letter in plain) and text not in NO_WORDS


def spoken(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield the calls that take a text for people, and the expression of each text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for place in CALLS.get(name, ()):
                if place < len(node.args):
                    yield node, node.args[place]


def constants(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can be, as far as it says them itself."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from constants(one)
            yield from constants(other)
        case ast.BoolOp(values=values):
            for value in values:
                yield from constants(value)


def counted(call: ast.Call) -> str | None:
    """Return the two forms of a call that counts something, as a catalogue keeps them."""
    match call:
        case ast.Call(
            func=ast.Name(id="Message" | "counted"),
            args=[ast.Constant(value=str(one)), ast.Constant(value=str(many)), *_],
        ):
            return f"{one}\0{many}"
    return None


def texts_of_code(tree: ast.AST) -> Iterator[Source]:
    for call, node in spoken(tree):
        if forms := counted(call):
            yield None, forms
            continue
        told = [k.value for k in call.keywords if k.arg == "context"]
        context = next((value.value for value in told if isinstance(value, ast.Constant)), None)
        for text in constants(node):
            if has_words(text) or context:
                yield context, text


def unmarked(tree: ast.AST) -> Iterator[str]:
    """Yield texts for people that no catalogue can know: f-strings, texts of plain variables."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = set()
        for _, node in spoken(function):
            names |= {node.id} if isinstance(node, ast.Name) else set()
            if isinstance(node, ast.JoinedStr) and has_words(_plain(node)):
                yield ast.unparse(node)
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and names & {ast.unparse(t) for t in node.targets}:
                for part in _parts(node.value):
                    text = _plain(part) if isinstance(part, ast.JoinedStr) else part.value
                    if has_words(text):
                        yield ast.unparse(node)


def _plain(node: ast.JoinedStr) -> str:
    return "".join(part.value for part in node.values if isinstance(part, ast.Constant))


def _parts(node: ast.expr) -> Iterator[ast.JoinedStr | ast.Constant]:
    match node:
        case ast.JoinedStr() | ast.Constant(value=str()):
            yield node
        case ast.IfExp(body=one, orelse=other):
            yield from _parts(one)
            yield from _parts(other)


@functools.cache
def trees() -> tuple[tuple[Path, ast.AST], ...]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple((path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def texts_of_templates() -> Iterator[Source]:
    environment = Environment(autoescape=True)
    for file in sorted(TEMPLATES.glob("*.html")):
        tree = environment.parse(file.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            name = getattr(call.node, "name", "")
            if name == "counted":
                yield None, "\0".join(part.value for part in call.args[:2])
            if name in ("t", "head") and call.args:
                context = next((k.value.value for k in call.kwargs if k.key == "context"), None)
                parts = list(call.args[0].find_all(nodes.Const))
                parts += [call.args[0]] if isinstance(call.args[0], nodes.Const) else []
                for part in parts:
                    if has_words(str(part.value)):
                        yield context, part.value


def texts_of_help(command: click.Command = cli) -> Iterator[Source]:
    texts = [command.help, command.epilog, *(getattr(p, "help", None) for p in command.params)]
    texts += [parameter.metavar for parameter in command.params]
    yield from ((None, text) for text in texts if text)
    for below in getattr(command, "commands", {}).values():
        yield from texts_of_help(below)


def texts_of_schema() -> Iterator[Source]:
    for kind in vars(schema).values():
        if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
            yield from ((None, words_of(word)) for word in map(str, kind))
        elif isinstance(kind, tuple) and kind and all(isinstance(word, str) for word in kind):
            yield from ((None, words_of(word)) for word in kind)


def texts_of_columns() -> Iterator[Source]:
    for kind in vars(schema).values():
        for column in kind if isinstance(kind, tuple) else (kind,):
            if isinstance(column, schema.Column):
                yield from ((schema.MEANING, text) for text in (column.en, column.title) if text)


def texts_of_products() -> Iterator[Source]:
    for row in ROWS:
        yield from ((PRODUCT, text) for text in dataclasses.astuple(row) if text not in NO_WORDS)


def texts_of_settings() -> Iterator[Source]:
    for kind in settings.TABLES.values():
        yield from ((None, text) for text in settings._field_docs(kind).values())


def source_texts() -> set[Source]:
    """Return every text of the package."""
    found: set[Source] = set()
    for _, tree in trees():
        found |= set(texts_of_code(tree))
    found |= set(texts_of_templates()) | set(texts_of_help()) | set(texts_of_schema())
    found |= set(texts_of_products())
    return found | set(texts_of_settings()) | set(texts_of_columns())
