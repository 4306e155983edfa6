"""Why a scene or an elevation model is refused, and what to do, in Russian.

The placeholders are those of :mod:`glacial_lakes.language.messages_ru`.
"""

from __future__ import annotations

REFUSALS = {
    # what proposes water
    "{} has no published threshold": "для {} нет опубликованного порога",
    "give mapping.seed_threshold": "задайте mapping.seed_threshold",
    "choose another mapping.index": "выберите другой mapping.index",
    "{} is not known": "имя {} неизвестно",
    "install the package that offers it": "установите пакет, который его предоставляет",
    # a product is refused
    "does not exist": "не существует",
    "check the path": "проверьте путь",
    "matches no product": "под этот шаблон не подходит ни один продукт",
    "is no product that can be read": "не является продуктом, который можно прочитать",
    "holds no product that can be read": "не содержит продукта, который можно прочитать",
    "give a Sentinel-2 .SAFE folder or zip, a Landsat folder or tar, or a GeoTIFF with a sidecar": (
        "укажите папку .SAFE или zip Sentinel-2, папку или tar Landsat либо GeoTIFF с файлом "
        "описания"
    ),
    "is no product itself, but holds some": "сам не является продуктом, но содержит продукты",
    "open them one by one, e.g. {}": "открывайте их по одному, например {}",
    "holds {} products": "содержит продуктов: {}",
    "open one of their metadata files": "откройте файл метаданных одного из них",
    "lacks its metadata, MTD_MSIL1C.xml or MTD_MSIL2A.xml": (
        "нет метаданных, MTD_MSIL1C.xml или MTD_MSIL2A.xml"
    ),
    "lacks its metadata, *_MTL.txt": "нет метаданных, *_MTL.txt",
    "lacks GRANULE/…/MTD_TL.xml": "нет файла GRANULE/…/MTD_TL.xml",
    "lacks {}": "не хватает: {}",
    "lacks {}.jp2": "нет файла {}.jp2",
    "lacks {phrase}, {}": "не хватает: {}, {}",
    "lacks {phrase}: its MTL has no {}": "не хватает: {}, в MTL нет {}",
    "download the product whole": "скачайте продукт целиком",
    "download it whole": "скачайте его целиком",
    "download the product again": "скачайте продукт заново",
    "download it again": "скачайте заново",
    "download the product again, or remove its list of checksums if you changed it": (
        "скачайте продукт заново или, если вы его изменили, удалите список контрольных сумм"
    ),
    "download the product from its source": "скачайте продукт из первоисточника",
    "download it again, one tile a product": "скачайте заново, по одному тайлу в продукте",
    "holds {} granules": "содержит гранул: {}",
    "is another processing of the image {}, which is used": (
        "это другая обработка снимка {}, который используется"
    ),
    "has the name of another scene, {}": "называется так же, как другой снимок, {}",
    "rename one of them": "переименуйте один из них",
    "scene {} is given twice": "снимок {} задан дважды",
    "leave one out": "уберите один из них",
    "no scene could be used": "ни один снимок не пригоден",
    "see the reasons above": "причины указаны выше",
    "is of the Multispectral Scanner, which has no blue and no short-wave infrared band": (
        "получен сканером MSS, у которого нет синего и коротковолнового инфракрасного каналов"
    ),
    "is of {phrase} {phrase}": "эта съёмка не поддерживается: {}, {}",
    "use TM, ETM+ or OLI products": "используйте продукты TM, ETM+ или OLI",
    "is of the level {}": "имеет уровень обработки {}",
    "give a Level-1C or Level-2A product": "укажите продукт уровня 1C или 2A",
    "the spacecraft is {}": "космический аппарат – {}",
    "give a Sentinel-2 product": "укажите продукт Sentinel-2",
    # metadata
    "{phrase} is missing": "не указано: {}",
    "{phrase} is {value}": "недопустимое значение: {} = {}",
    "REFLECTANCE_MULT_BAND_{} is missing": "нет REFLECTANCE_MULT_BAND_{}",
    "{} at 10 m is missing": "нет {} для 10 м",
    "the tile is not told": "тайл не указан",
    "the quantification value is {}": "недопустимый коэффициент квантования: {}",
    "the CRS is {}": "недопустимая система координат: {}",
    "the images lie {} m off the grid that it tells": (
        "изображения смещены на {} м относительно указанной в нём сетки"
    ),
    "the offset of the reflectance is not told, which baseline {} needs": (
        "не указано смещение отражательной способности, нужное для версии обработки {}"
    ),
    "give date, time and zone, e.g. 2021-08-24T06:08:07Z": (
        "укажите дату, время и часовой пояс, например 2021-08-24T06:08:07Z"
    ),
    "the sun's elevation {}° and azimuth {}° are not those of a day": (
        "высота солнца {}° и азимут {}° не соответствуют дневной съёмке"
    ),
    "use an image taken by daylight": "используйте дневной снимок",
    # GeoTIFF and its sidecar
    "has no sidecar {} beside it": "рядом нет файла описания {}",
    "write one with the keys {}, nodata and the table [bands]": (
        "создайте его с ключами {}, nodata и таблицей [bands]"
    ),
    "is not valid TOML ({})": "не является правильным TOML ({})",
    "correct it": "исправьте его",
    "has the unknown key {}": "содержит неизвестный ключ {}",
    "add it to the sidecar": "добавьте в файл описания",
    "write it as text in quotes": "запишите как текст в кавычках",
    "acquired is {}, without a time of day and zone": (
        "acquired = {}, без времени суток и часового пояса"
    ),
    "write e.g. acquired = 2021-08-24T06:08:07Z": (
        "запишите, например: acquired = 2021-08-24T06:08:07Z"
    ),
    "bands is no table": "bands – не таблица",
    "write [bands] and name = index lines": "напишите [bands] и строки вида имя = номер",
    "[bands] has {}, which is no band name": "в [bands] есть {}, такого имени канала нет",
    "use {}; other keys stand above [bands]": (
        "используйте {}; прочие ключи должны стоять выше [bands]"
    ),
    "{} = {}, but the image has bands 1 to {}": "{} = {}, но в изображении каналы от 1 до {}",
    "correct the index": "исправьте номер",
    "[bands] lacks {}": "в [bands] не хватает: {}",
    "add it": "добавьте",
    "scale is 0": "scale равен 0",
    "write the factor from number to reflectance": (
        "укажите множитель для перевода в отражательную способность"
    ),
    "lacks nodata, and the image has no nodata tag": (
        "нет nodata, и в изображении такой метки тоже нет"
    ),
    'add the number that stands for no data, or nodata = "none"': (
        'добавьте число, которое означает «нет данных», или nodata = "none"'
    ),
    "has {} only": "указано только {}",
    "give both sun angles or none": "укажите оба угла солнца или ни одного",
    "tells quality and decoder in part only": "quality и decoder указаны не оба",
    "give the file as quality, and decoder as one of {}": (
        "укажите файл в quality и один из вариантов в decoder: {}"
    ),
    "quality is {}, not a file beside it": "quality = {}, это не файл рядом",
    "write the bare file name": "напишите одно имя файла, без пути",
    "is not there": "отсутствует",
    "correct quality in the sidecar": "исправьте quality в файле описания",
    "scale {} and offset {} give {} reflectance from {} to {}": (
        "при scale {} и offset {} отражательная способность в канале {} – от {} до {}"
    ),
    "write the factors that give reflectance between 0 and about 1": (
        "укажите множители, дающие отражательную способность от 0 до примерно 1"
    ),
    "has no band {}": "нет канала {}",
    "it has {}": "есть: {}",
    "there is no {} band": "нет канала {}",
    "name one in the sidecar": "укажите его в файле описания",
    # damaged or unsafe files
    "is cut short": "обрывается на середине",
    "holds no metadata": "не содержит метаданных",
    "is not valid XML ({})": "не является правильным XML ({})",
    "is not valid JSON metadata ({})": "не является правильными метаданными JSON ({})",
    "has a document type or an entity ({})": "содержит DTD или сущность XML ({})",
    "differs from its {} checksum": "не совпадает с контрольной суммой {}",
    "cannot be understood ({})": "не удаётся разобрать ({})",
    "cannot be read ({phrase})": "не читается ({})",
    "cannot be unpacked ({})": "не распаковывается ({})",
    "is not a plain file": "не является обычным файлом",
    "is not a {} file, whatever its name says": "не является файлом {}, что бы ни говорило имя",
    "is too large for a metadata file": "слишком велик для файла метаданных",
    "holds {}, which is a link or device": "содержит {}, это ссылка или устройство",
    "holds {}, which would lie outside it": "содержит {}, он попал бы за пределы архива",
    "holds two files of one name": "содержит два файла с одним именем",
    "the header claims {} x {} pixels": "в заголовке указано {} x {} пикселей",
    "no scene is as large; download it again": "таких больших снимков нет; скачайте заново",
    # grids and the elevation model
    "the raster has no CRS": "у растра нет системы координат",
    "has no CRS": "нет системы координат",
    "give it one, e.g. with gdal_edit -a_srs": "задайте её, например командой gdal_edit -a_srs",
    "give it one, e.g. with ogr2ogr -a_srs": "задайте её, например командой ogr2ogr -a_srs",
    "the CRS {} is not a projected one in metres": (
        "система координат {} – не прямоугольная в метрах"
    ),
    "reproject the raster to its UTM zone, e.g. with gdalwarp -t_srs": (
        "перепроецируйте растр в его зону UTM, например командой gdalwarp -t_srs"
    ),
    "the raster is not north-up": "растр не ориентирован на север",
    "warp it, e.g. with gdalwarp": "перепроецируйте его, например командой gdalwarp",
    "the raster has the shape {}": "размер растра – {}",
    "its grid ({} x {} pixels of {} m) does not fit the scene's other bands": (
        "сетка ({} x {} пикселей по {} м) не совпадает с другими каналами снимка"
    ),
    "take all bands from one product": "возьмите все каналы из одного продукта",
    "the DEM cannot be read ({phrase})": "ЦМР не читается ({})",
    "the DEM has no CRS": "у ЦМР нет системы координат",
    "the DEM does not cover the scene": "ЦМР не покрывает снимок",
    "give one that does": "укажите ту, которая покрывает",
    # a review is refused
    "is the inventory itself, and nothing tells what was changed in it": (
        "это сам каталог, и неизвестно, что в нём изменено"
    ),
    "is not the inventory that the last run or review wrote": (
        "это не тот каталог, который записан последним запуском или исправлением"
    ),
    "to take in what was edited in it, move it elsewhere and review it from there; "
    "to go on from it as it is, delete the folder as_written beside it": (
        "чтобы внести сделанные в нём исправления, переместите его и внесите командой review; "
        "чтобы продолжить с ним как есть, удалите папку as_written рядом с ним"
    ),
    "was edited in the meantime": "изменён за это время",
    "start again": "запустите ещё раз",
    "is open in another program, which may hold changes": (
        "открыт в другой программе, где могут быть изменения"
    ),
    "save them and close the file there, e.g. in QGIS, then start again": (
        "сохраните их и закройте там файл (например, в QGIS), затем запустите ещё раз"
    ),
    "is open in another program, or may not be changed": (
        "открыт в другой программе или недоступен для изменения"
    ),
    "close it there, e.g. in QGIS, then start again": (
        "закройте его там (например, в QGIS), затем запустите ещё раз"
    ),
    "edit a copy of it, or a shapefile of the run": (
        "исправляйте его копию или шейп-файл, созданный запуском"
    ),
    "has no field with lake codes (lake_id or GLAKE_ID)": (
        "нет поля с кодами озёр (lake_id или GLAKE_ID)"
    ),
    "edit a copy of the inventory or one of its shapefiles": (
        "исправляйте копию каталога или один из его шейп-файлов"
    ),
    "has dates that cannot be read": "есть даты, которые нельзя прочитать",
    "write them as 2024-08-31, or leave them empty": (
        "пишите их в виде 2024-08-31 или оставьте пустыми"
    ),
    "{} outlines cross themselves or are empty: {}": (
        "контуров с самопересечением или пустых: {}: {}"
    ),
    "mend them, e.g. with the QGIS tool Check validity; nothing was taken in": (
        "исправьте их, например инструментом QGIS «Проверка корректности»; ничего не внесено"
    ),
    "the edited file lacks {} of {} lakes": "в исправленном файле нет {} из {} озёр",
    "if it is a selection, review it with --partial; if all these lakes are false, with --whole": (
        "если это выборка, добавьте --partial; если все эти озёра ложные, добавьте --whole"
    ),
    "{} outlines are unchanged but shifted by about {} m": (
        "контуров без изменений, но сдвинутых примерно на одно расстояние: {}, сдвиг {} м"
    ),
    "correct the CRS of the edited file; nothing was taken in": (
        "исправьте систему координат файла; ничего не внесено"
    ),
    "an added outline at {} {} lies on the lake {}": (
        "добавленный контур в точке {} {} лежит на озере {}"
    ),
    "delete one of the two; nothing was taken in": "удалите один из двух; ничего не внесено",
    "the inventory has no scene that a lake could be added to": (
        "в каталоге нет снимка, к которому можно отнести озеро"
    ),
}
"""Whole clauses: what is wrong, or what to do."""
