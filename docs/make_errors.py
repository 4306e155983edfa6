"""Write ``errors.md`` and ``errors.ru.md`` from the table of codes in ``glacial_lakes.errors``.

Run it in the root of the repository after a change of that table or of its Russian forms::

    python docs/make_errors.py
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from glacial_lakes.errors import EXPLAINED
from glacial_lakes.language import translate

FOLDER = Path(__file__).parent


class Words(NamedTuple):
    """What a page says around the table."""

    introduction: str
    cause: str
    remedy: str
    groups: Mapping[str, str]
    """Heading by the first figure of the codes below it."""


PAGES: Mapping[str, tuple[str, Words]] = {
    "en": (
        "errors.md",
        Words(
            """\
# Errors

Every error is one line: a code, the file, what is wrong, what to do. The code tells the kind, for
scripts and for a search on this page; the line itself says more. По-русски:
[errors.ru.md](errors.ru.md). What a command gives back to scripts: [exit
codes](../README.md#exit-codes).

Made from the table in `glacial_lakes/errors.py` by `python docs/make_errors.py`.
""",
            "Why",
            "What to do",
            {
                "0": "A bug",
                "1": "Inputs: a scene or a file is refused",
                "2": "The project file and options",
                "3": "Results",
                "4": "Safety",
                "5": "Memory, disk, time, cluster",
            },
        ),
    ),
    "ru": (
        "errors.ru.md",
        Words(
            """\
# Ошибки

Каждая ошибка – одна строка: код, файл, что не так, что делать. Код называет вид ошибки – для
сценариев и для поиска на этой странице; сама строка говорит подробнее. In English:
[errors.md](errors.md). Что команда возвращает сценариям: [коды
завершения](../README.md#exit-codes) (на английском).

Страница создана по таблице в `glacial_lakes/errors.py` командой `python docs/make_errors.py`.
""",
            "Почему",
            "Что делать",
            {
                "0": "Ошибка программы",
                "1": "Входные данные: снимок или файл отклонён",
                "2": "Файл проекта и параметры",
                "3": "Результаты",
                "4": "Безопасность",
                "5": "Память, диск, время, кластер",
            },
        ),
    ),
}


def page(language: str) -> str:
    """Return the text of the page of a language."""
    words = PAGES[language][1]
    parts, group = [words.introduction], ""
    for code, told in sorted(EXPLAINED.items()):
        if code[2] != group:
            group = code[2]
            parts.append(f"## {words.groups[group]}\n")
        parts += [
            f"### {code}\n",
            f"**{translate(told.title, language)}.**\n",
            f"- **{words.cause}.** {translate(told.cause, language)}",
            f"- **{words.remedy}.** {translate(told.remedy, language)}\n",
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    for language, (name, _) in PAGES.items():
        (FOLDER / name).write_text(page(language), encoding="utf-8", newline="\n")
