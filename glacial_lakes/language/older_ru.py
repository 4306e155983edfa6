"""What is said of files of lakes that were not made here, in Russian.

The placeholders are those of :mod:`glacial_lakes.language.messages_ru`.
"""

from __future__ import annotations

OLDER = {
    # older outlines
    "does not tell the date of its outlines": "не указана дата контуров",
    "name the field with --field acquired=FIELD, or the date with --date": (
        "назовите поле: --field acquired=ПОЛЕ, или дату: --date"
    ),
    "field {} has a date that cannot be read: {}": "в поле {} дата, которую нельзя прочитать: {}",
    "write dates as 2015-08-01, or name another field or the date": (
        "пишите даты как 2015-08-01 либо назовите другое поле или дату"
    ),
    "its name tells several dates: {}": "в имени файла несколько дат: {}",
    "name the right one with --date": "назовите верную в --date",
    "{} is no date": "{} – не дата",
    "write it as 2015-08-01, 2015-08 or 2015": "напишите как 2015-08-01, 2015-08 или 2015",
    "{} does not say which field is which": "из {} неясно, какое поле чему соответствует",
    "write it as acquired=IMG_DAY": "напишите как acquired=IMG_DAY",
    "has no polygons": "нет полигонов",
    "give the outlines of the lakes": "укажите контуры озёр",
    "has coordinates that its CRS does not know": (
        "координаты не подходят к указанной системе координат"
    ),
    "give it the right CRS": "задайте верную систему координат",
    "no file could be used": "ни один файл не пригоден",
    "use any of .gpkg": "возможно: .gpkg",
    "holds scenes that are not among the files, such as {}": (
        "содержит снимки или съёмки, которых нет среди файлов, например {}"
    ),
    "name their files too, or write to another file": (
        "назовите и их файлы или пишите в другой файл"
    ),
    # what is examined
    "file": "файл",
    "layer": "слой",
    "geometry": "геометрия",
    "dates": "даты",
    "overlaps": "наложения",
    "codes": "коды",
    "areas": "площади",
    "places": "положение",
    "fields": "поля",
    # what is found
    "no rows": "нет строк",
    "none": "нет",
    "none is known here": "известных полей нет",
    "all polygons are valid": "все полигоны правильны",
    "without geometry: {}": "без геометрии: {}",
    "draw them, or delete the rows": "нарисуйте их или удалите строки",
    "no polygons: {}": "не полигоны: {}",
    "invalid: {}": "с ошибками: {}",
    "mend them, e.g. with the QGIS tool Fix geometries": (
        "исправьте, например инструментом QGIS «Исправить геометрии»"
    ),
    "outside of what the CRS knows: {}": "вне области системы координат: {}",
    "without a date: {}": "без даты: {}",
    "write dates as 2015-08-01": "пишите даты как 2015-08-01",
    "known to the year or month only: {}": "известен только год или месяц: {}",
    "{} to {}, but the name of the file tells {}": "{}–{}, но в имени файла {}",
    "outlines on others of the same date: {}": "контуры поверх других той же даты: {}",
    "keep one of the two": "оставьте один из двух",
    "outlines that cut others a little: {}": "контуры, немного задевающие другие: {}",
    "no field with lake codes is known here": "поля с кодами озёр не найдено",
    "without a code: {}": "без кода: {}",
    "give them codes, or let track do it": "задайте коды или предоставьте это команде track",
    "codes given twice on one date: {}": "один код дважды на одну дату: {}",
    "give one of the two another code": "дайте одному из двух другой код",
    "not of the form GL074512E42637N: {}": "не вида GL074512E42637N: {}",
    "name a place more than 1 km away: {}": "код указывает место дальше 1 км: {}",
    "{} in the field {}": "разных кодов: {}, поле {}",
    "field {} is empty": "поле {} пусто",
    "not above 0 in {}: {}": "не больше 0 в {}: {}",
    "{} is in {}, but this field is in m2 everywhere": ("поле {} заполнено в {}, а оно всюду в m2"),
    "compute the areas anew": "вычислите площади заново",
    "multiply it, or rename the field": "пересчитайте или переименуйте поле",
    "{} ({}) differs by more than 10 % from the geometry: {}": (
        "{} ({}) расходится с геометрией больше чем на 10 %: {}"
    ),
    "{} ({}) agrees with the geometry": "{} ({}) согласуется с геометрией",
    "longitude and latitude lie more than 1 km away: {}": "долгота и широта дальше 1 км: {}",
}
"""Whole clauses: what is wrong or found, or what to do."""
