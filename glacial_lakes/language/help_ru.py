"""The help of the command line in Russian.

Only the program's own texts: headings, usage errors and the line on ``--help`` are click's, which
has no Russian.
"""

from __future__ import annotations

import copy

import click


def in_russian(command: click.Command) -> click.Command:
    """Return a copy of a command, and of those below it, whose help is Russian."""
    twin = copy.copy(command)
    twin.help = _russian(command.help)
    twin.epilog = _russian(command.epilog)
    twin.params = [copy.copy(parameter) for parameter in command.params]
    for parameter in twin.params:
        if isinstance(parameter, click.Option):
            parameter.help = _russian(parameter.help)
    if isinstance(twin, click.Group):
        twin.commands = {name: in_russian(below) for name, below in twin.commands.items()}
    return twin


def _russian(text: str | None) -> str | None:
    return None if text is None else HELP.get(text, text)


HELP = {
    "Glacial lake inventories from multi-date satellite images.": (
        "Каталоги ледниковых озёр по разновременным спутниковым снимкам."
    ),
    "Exit codes: 0 done, 1 error, 2 wrong usage or project file, 3 some scenes refused, "
    "4 another run or program holds the output, 130 interrupted.": (
        "Коды завершения: 0 – готово, 1 – ошибка, 2 – неверный вызов или файл проекта, 3 – часть "
        "снимков отклонена, 4 – результат занят другим запуском или программой, 130 – прервано."
    ),
    "More messages; -vv for all.": "Больше сообщений; -vv – все.",
    "No messages but errors.": "Только сообщения об ошибках.",
    "File for all messages.": "Файл для всех сообщений.",
    "The result as JSON on stdout.": "Результат в виде JSON на stdout.",
    "Show where in the code an error arose.": "Показать, где в коде возникла ошибка.",
    "Language of messages and reports.": "Язык сообщений и отчётов.",
    "Show the version and exit.": "Показать версию и выйти.",
    "Map the sample scenes into DIR: inventory, shapefiles and report.": (
        "Обработать снимки примера в DIR: каталог, шейп-файлы и отчёт."
    ),
    "Write a commented project.toml into DIR, and a folder for the scenes beside it.": (
        "Создать в DIR project.toml с пояснениями и рядом папку для снимков."
    ),
    "List the scenes below PATH...: sensor, date, cloud, problems.": (
        "Перечислить снимки в PATH...: сенсор, дата, облачность, неполадки."
    ),
    "Map single scenes into one file of outlines, without lake identities.": (
        "Обработать отдельные снимки в один файл контуров, без кодов озёр."
    ),
    ".gpkg, .shp, .geojson or .fgb": ".gpkg, .shp, .geojson или .fgb",
    "Elevation model: slope, shadow, lake elevation.": "ЦМР: уклон, тень, высота озера.",
    "Glacier outlines.": "Контуры ледников.",
    "Polygons outside of which nothing is mapped.": "Полигоны, вне которых озёра не выделяются.",
    "Smallest lake.": "Наименьшее озеро.",
    "Do the whole job of a project file: map what is new, track, export, report.": (
        "Выполнить весь проект: новые снимки, прослеживание, экспорт, отчёт."
    ),
    "Scenes mapped at a time.": "Снимков одновременно.",
    "For all processes together, e.g. 4GB.": "Память на все процессы вместе, например 4GB.",
    "Map on a Dask cluster, e.g. tcp://10.0.0.5:8786.": (
        "Обрабатывать снимки на кластере Dask, например tcp://10.0.0.5:8786."
    ),
    "Make an inventory of older outlines that others drew.": (
        "Составить каталог из прежних контуров, сделанных другими."
    ),
    "The .gpkg file of the inventory.": "Файл .gpkg каталога.",
    "A field of FILE under another name, e.g. acquired=IMG_DAY; may be repeated.": (
        "Поле файла под другим именем, например acquired=IMG_DAY; можно повторять."
    ),
    "Date of all outlines.": "Дата всех контуров.",
    "Layer of FILE.": "Слой файла FILE.",
    "Polygons of basins.": "Полигоны бассейнов.",
    "Their field with names.": "Их поле с названиями.",
    "Examine a file of lakes: geometry, overlaps, codes, dates, fields, units.": (
        "Проверить файл озёр: геометрия, наложения, коды, даты, поля, единицы."
    ),
    "Write an inventory in other formats, or the best outlines of some years.": (
        "Записать каталог в других форматах или лучшие контуры за несколько лет."
    ),
    "Best outlines of some years, e.g. 2020=2019-2021; may be repeated.": (
        "Лучшие контуры за несколько лет, например 2020=2019-2021; можно повторять."
    ),
    "Season of --epoch, e.g. 7-10; default: all.": (
        "Сезон для --epoch, например 7-10; по умолчанию все месяцы."
    ),
    "Folder for the files.": "Папка для файлов.",
    "May be repeated; default: all.": "Можно повторять; по умолчанию все.",
    "Write the report of an inventory: one HTML page that needs no network.": (
        "Записать отчёт о каталоге: одна страница HTML, не требующая сети."
    ),
    "The .html file.": "Файл .html.",
    "Compare outlines with reference outlines of the same date and area.": (
        "Сравнить контуры с эталонными контурами той же даты и территории."
    ),
    "The .json file; a figure (.png) goes beside it.": "Файл .json; рядом – рисунок (.png).",
    "Layer of OUTLINES.": "Слой файла OUTLINES.",
    "Layer of REFERENCE.": "Слой файла REFERENCE.",
    "Day of OUTLINES to compare.": "День из OUTLINES для сравнения.",
    "Pixel of OUTLINES.": "Размер пикселя OUTLINES.",
    "Class raster or polygons: what false lakes are.": (
        "Растр классов или полигоны: чем являются ложные озёра."
    ),
    "Take corrections into an inventory: from EDITED, or made in the inventory itself.": (
        "Внести в каталог исправления: из EDITED или сделанные в самом каталоге."
    ),
    "Who decided.": "Кто принял решения.",
    "Only show what was understood.": "Только показать, что понято, ничего не записывая.",
    "EDITED is a selection / all lakes that it lacks are false.": (
        "EDITED – выборка / все озёра, которых в нём нет, ложные."
    ),
    "Text encoding of a shapefile, e.g. CP1251.": "Кодировка текста шейп-файла, например CP1251.",
    "Compile the innermost loops now, not at the first run.": (
        "Скомпилировать внутренние циклы сейчас, а не при первом запуске."
    ),
    "Examine the installation: versions, drivers, PROJ and GDAL conflicts, memory.": (
        "Проверить установку: версии, драйверы, PROJ и GDAL, память."
    ),
}
"""English help to Russian."""
