"""Parts of the site that are made when it is built, so that they cannot fall behind the code.

The navigation, the reference of commands and of the Python interface, and a page for every file of
code, where links to code lead. The Markdown files hold none of it and read well on GitHub.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.parsers import Parser

import glacial_lakes
from glacial_lakes.cli.commands import cli

ROOT = Path(__file__).parents[1]
PACKAGE = Path(glacial_lakes.__file__).parent

NAVIGATION = {
    "docs/index": [
        "Office <guide_office>",
        "Research <guide_researcher>",
        "Batch and cluster <guide_batch>",
        "Reference <reference>",
        "Methods <method>",
        "Quality <accuracy>",
        "Contributing </CONTRIBUTING>",
    ],
    "docs/guide_office": [
        "/README",
        "getting_started_windows",
        "viewer",
        "correcting_outlines",
        "older_outlines",
        "catalogue",
        "guide_office.ru",
    ],
    "docs/guide_office.ru": [
        "getting_started_windows.ru",
        "correcting_outlines.ru",
        "older_outlines.ru",
        "catalogue.ru",
        "viewer.ru",
    ],
    "docs/guide_researcher": [
        "/notebooks/01_first_inventory",
        "/notebooks/02_tune_one_scene",
        "/notebooks/03_change_over_time",
        "/notebooks/04_your_own_data",
        "extend",
        "add_a_sensor",
        "guide_researcher.ru",
    ],
    "docs/guide_researcher.ru": ["extend.ru"],
    "docs/guide_batch": ["cluster", "guide_batch.ru"],
    "docs/guide_batch.ru": ["cluster.ru"],
    "docs/reference": ["commands", "api", "formats", "remote", "data_dictionary", "errors"],
    "docs/formats": ["formats.ru"],
    "docs/errors": ["errors.ru"],
    "docs/method": ["attributes", "simulator", "/sample_data/README"],
    "docs/accuracy": [
        *("model_card", "validation", "tracking", "change"),
        *("performance", "reliability"),
    ],
    "CONTRIBUTING": ["/docs/dependencies", "/CHANGELOG", "/SECURITY"],
}
"""Pages below each page. The build fails when a page has no place here."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def options(command: click.Command) -> list[tuple[str, str]]:
    """Return the options of a command as the help shows them."""
    context = click.Context(command)
    given = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = filter(None, (one.get_help_record(context) for one in given))
    return [(f"`{name}`", meaning) for name, meaning in records]


def commands() -> str:
    """Return the Markdown of all verbs and their options."""
    shared = options(cli)
    parts = []
    for name, command in cli.commands.items():
        usage = " ".join(command.collect_usage_pieces(click.Context(command)))
        parts += [
            f"## {name}\n",
            f"```text\nglacial-lakes {name} {usage}\n```\n",
            command.help or "",
        ]
        if own := [row for row in options(command) if row not in shared]:
            parts += ["", table(("option", "meaning"), own)]
    parts += ["## Options of every command\n", table(("option", "meaning"), shared)]
    return "\n".join(parts)


def directive(thing: object) -> str:
    """Return the directive of autodoc that documents a thing."""
    if isinstance(thing, ModuleType):
        return "automodule"
    if isinstance(thing, type):
        return "autoexception" if issubclass(thing, BaseException) else "autoclass"
    return "autofunction" if callable(thing) else "autodata"


def public() -> dict[str, str]:
    """Return the names of the Python interface and the directive of each."""
    return {name: directive(getattr(glacial_lakes, name)) for name in sorted(glacial_lakes.__all__)}


def interface() -> str:
    """Return the Markdown of the tables of the Python interface."""
    headings = {
        "Functions": {"autofunction"},
        "Classes": {"autoclass", "autoexception"},
        "Modules and values": {"automodule", "autodata"},
    }
    parts = []
    for heading, kinds in headings.items():
        if names := [name for name, kind in public().items() if kind in kinds]:
            listed = "\n".join(f"   glacial_lakes.{name}" for name in names)
            autosummary = f".. autosummary::\n   :toctree: _api\n\n{listed}"
            parts.append(f"## {heading}\n\n```{{eval-rst}}\n{autosummary}\n```\n")
    return "\n".join(parts)


def write_interface(_: Sphinx) -> None:
    """Write a page for each name of the Python interface; pages of lost names go."""
    folder = ROOT / "docs" / "_api"
    folder.mkdir(exist_ok=True)
    wanted = {}
    for name, kind in public().items():
        members = "" if kind in ("autofunction", "autodata") else "   :members:\n"
        wanted[folder / f"glacial_lakes.{name}.rst"] = (
            f"{name}\n{'=' * len(name)}\n\n.. {kind}:: glacial_lakes.{name}\n{members}"
        )
    for path in {*folder.glob("*.rst")} - {*wanted}:
        path.unlink()
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # else it is built anew
            path.write_text(text, encoding="utf-8")


MADE = {"docs/commands": commands, "docs/api": interface}


def complete(_: Sphinx, name: str, source: list[str]) -> None:
    """Add to the text of a page what is made, and its place in the navigation."""
    if name in MADE:
        source[0] += "\n" + MADE[name]()
    if name in NAVIGATION:
        source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", "", *NAVIGATION[name], "```\n"])


class Code(Parser):
    """A file of code as a page: its path as the title, its lines with anchors."""

    supported: ClassVar[tuple[str, ...]] = ("code",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Fill the document."""
        name = Path(document["source"]).relative_to(ROOT).as_posix()
        code = nodes.literal_block(inputstring, inputstring, language="python")
        code["highlight_args"] = {"lineanchors": "line"}
        section = nodes.section("", nodes.title(name, name), code, ids=[nodes.make_id(name)])
        document += section
        env = document.settings.env
        env.metadata[env.docname] |= {"orphan": "in no table of contents", "nosearch": "code"}


def source_of(_: str, info: dict[str, str]) -> str | None:
    """Return the link from a page of the Python interface to the code."""
    thing: Any = sys.modules.get(info["module"])
    for part in info["fullname"].split("."):
        thing = getattr(thing, part, None)
    thing = inspect.unwrap(getattr(thing, "fget", None) or thing)
    try:
        path, line = inspect.getsourcefile(thing), inspect.getsourcelines(thing)[1]
    except (TypeError, OSError):
        return None
    if path is None or not Path(path).is_relative_to(PACKAGE):
        return None
    page = Path(path).relative_to(PACKAGE.parent).with_suffix(".html").as_posix()
    return f"../../{page}#line-{line}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts."""
    app.add_source_parser(Code)
    app.connect("builder-inited", write_interface)
    app.connect("source-read", complete)
    app.config.linkcode_resolve = source_of
    return {"parallel_read_safe": True, "parallel_write_safe": True}
