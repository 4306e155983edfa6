"""Help and usage errors of the command line in the user's language."""

from __future__ import annotations

import copy
import gettext
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from glacial_lakes.errors import N_
from glacial_lakes.language import languages, system_language, translate
from glacial_lakes.language.catalogue import catalogue

OPTION, VARIABLE = "--lang", "GLACIAL_LAKES_LANGUAGE"
_METAVARS = (
    N_("[OPTIONS]"),
    N_("COMMAND [ARGS]..."),
    *(N_("TEXT"), N_("PATH"), N_("FILE"), N_("INTEGER RANGE"), N_("FLOAT RANGE")),
)
"""What click writes for values where a command names nothing else."""


def preferred_language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language of the option, else of the variable, else of the system.

    Parameters
    ----------
    arguments : sequence of str
        The words behind the program's name; help and usage errors come before they are understood.
    environment : mapping of str to str
        E.g. ``os.environ``.
    """
    candidates = [environment.get(VARIABLE, "")]
    for number, word in enumerate(arguments):
        if word == "--":
            break
        name, sign, value = word.partition("=")
        if name == OPTION:
            candidates += [value] if sign else list(arguments[number + 1 : number + 2])
    known = [language for language in candidates if language in languages()]
    return known[-1] if known else system_language(environment)


def command_in(command: click.Command, language: str) -> click.Command:
    """Return a copy of a command, and of those below it, whose help is of a language."""
    twin = copy.copy(command)
    twin.help = _translation(command.help, language)
    twin.epilog = _translation(command.epilog, language)
    twin.options_metavar = _translation(command.options_metavar, language)
    twin.params = [copy.copy(parameter) for parameter in command.params]
    for parameter in twin.params:
        parameter.metavar = _translation(parameter.metavar, language)
        if isinstance(parameter, click.Option):
            parameter.help = _translation(parameter.help, language)
            name = parameter.type.name.upper()
            if parameter.metavar is None and not parameter.is_flag and name in _METAVARS:
                parameter.metavar = translate(name, language)
    if isinstance(twin, click.Group):
        twin.subcommand_metavar = translate(twin.subcommand_metavar, language)
        twin.commands = {name: command_in(below, language) for name, below in twin.commands.items()}
    return twin


def _translation(text: str | None, language: str) -> str | None:
    return None if text is None else translate(text, language)


@contextmanager
def click_in(language: str) -> Iterator[None]:
    """Let click say its headings and usage errors in a language.

    click takes them from :mod:`gettext`, whose catalogues are compiled files in a folder of the
    system. Ours is neither, so its modules are lent our two functions instead.
    """
    texts = catalogue(language)
    lent: dict[Any, Any] = {gettext.gettext: texts.gettext, gettext.ngettext: texts.ngettext}
    modules = [module for name, module in sys.modules.items() if name.startswith("click.")]
    with ExitStack() as stack:
        for module in modules:
            for name in ("_", "ngettext"):
                own = getattr(module, name, None)
                if own in lent:
                    setattr(module, name, lent[own])
                    stack.callback(setattr, module, name, own)
        yield
