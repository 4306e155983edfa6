"""What errors, refusals and findings say, in Russian: templates of whole clauses, and of parts.

A message is raised in English, as ``what`` and ``remedy`` of :mod:`glacial_lakes.errors`, with
names and numbers already in it. Each template here is such a clause with a placeholder for every
such part, so that :mod:`glacial_lakes.language.messages` can find them again:

``{}``
    any text, kept as it is;
``{phrase}``
    any text, put into Russian itself where :data:`PHRASES` knows it;
``{names}``
    words without blanks, with commas between them;
``{value}``
    a value as Python writes it.

The Russian form takes them in the same order, or by number (``{1} … {0}``).
"""

from __future__ import annotations

from glacial_lakes.language.older_ru import OLDER
from glacial_lakes.language.refusals_ru import REFUSALS

CLAUSES = (
    REFUSALS
    | OLDER
    | {
        # vector files
        "check the name": "проверьте имя",
        "is no local file": "не является локальным файлом",
        "download it and name the copy": "скачайте и укажите копию",
        "is a folder, not a vector file": "это папка, а не векторный файл",
        "name a file in it": "укажите файл в ней",
        "is no vector file that is known here": "векторный файл неизвестного формата",
        "convert it to a GeoPackage or shapefile": "преобразуйте в GeoPackage или шейп-файл",
        "convert it to a GeoPackage": "преобразуйте в GeoPackage",
        "refers to other files": "ссылается на другие файлы",
        "is not the {} file it seems to be": "не является файлом {}, хотя выглядит им",
        "has no spatial layer": "нет пространственного слоя",
        "has no spatial layer {}": "нет пространственного слоя {}",
        "has the layers {}": "содержит слои {}",
        "it has: {}": "есть: {}",
        "name the layer to read": "укажите, какой слой читать",
        "none of its {} features has a geometry": "объектов: {}, и ни у одного нет геометрии",
        "its CRS cannot be read: {}": "система координат не читается: {}",
        "replace its .prj": "замените его .prj",
        "its text is not in the encoding named: {}": "текст не в указанной кодировке: {}",
        "name the right encoding": "укажите верную кодировку",
        "has no {}{} beside it ({phrase})": "рядом нет {}{} ({})",
        "copy all parts of it": "скопируйте все его части",
        "has {} bytes, its header says {}": "содержит байтов: {}, а по заголовку – {}",
        "copy it again": "скопируйте заново",
        "has {} shapes but {} rows of attributes": "фигур – {}, а строк атрибутов – {}",
        "has letters outside ASCII and no .cpg file that tells their encoding": (
            "содержит буквы вне ASCII, и нет файла .cpg с их кодировкой"
        ),
        'name it, e.g. encoding="CP1251" for Russian text': (
            'укажите её, например encoding="CP1251" для русского текста'
        ),
        # inventories
        "is no GeoPackage": "не является GeoPackage",
        "has no layer {}": "нет слоя {}",
        "name the inventory.gpkg of a run": "укажите inventory.gpkg, созданный запуском",
        "the inventory has no scene of {}": "в каталоге нет снимка за {}",
        "there is no image of the years {} to {} in the months chosen": (
            "нет снимков за годы {}–{} в выбранные месяцы"
        ),
        "choose other years or months": "выберите другие годы или месяцы",
        "has no column {}": "нет столбца {}",
        "choose from {}": "выберите из: {}",
        "a {} does not tell where its scene saw the ground": (
            "{} не говорит, где на снимке видна поверхность"
        ),
        "the outlines have no CRS": "у контуров нет системы координат",
        "give MappedScene(outlines, coverage), e.g. with a CompleteCoverage": (
            "передайте MappedScene(outlines, coverage), например с CompleteCoverage"
        ),
        "an observation mask of the class {} has no form in files": (
            "маску наблюдений класса {} нельзя записать в файл"
        ),
        "use Coverage, CompleteCoverage or DrawnCoverage": (
            "используйте Coverage, CompleteCoverage или DrawnCoverage"
        ),
        "is no mapped scene": "не является обработанным снимком",
        "no coverage of a scene ({})": "не является покрытием снимка ({})",
        "map it again": "обработайте снимок заново",
        # validation
        "the {phrase} have no CRS": "нет системы координат: {}",
        "give them one, e.g. with set_crs": "задайте её, например методом set_crs",
        "has geometries that are no polygons": "содержит геометрии, кроме полигонов",
        "the {phrase} have geometries that are no polygons": "есть геометрии, кроме полигонов: {}",
        "leave them out": "уберите их",
        "the reference has no lakes": "в эталоне нет озёр",
        "name one that has": "укажите тот, где они есть",
        "no lake of the reference is observed and large enough": (
            "в эталоне нет озёр, которые наблюдались и достаточно велики"
        ),
        "lower the smallest size, or name another date": (
            "уменьшите наименьшую площадь или укажите другую дату"
        ),
        "has no outlines of {}": "нет контуров за {}",
        "has outlines of {} dates, {} to {}": "содержит контуры за несколько дат ({}), с {} по {}",
        "name one of them": "укажите одну из них",
        "leave the date out": "уберите дату",
        "has no column cause": "нет столбца cause",
        "name the column with the causes so": "назовите так столбец с причинами",
        "holds no whole numbers": "содержит не целые числа",
        "give one integer a class": "задайте каждому классу целое число",
        # project file and options
        "there is no such file": "такого файла нет",
        "write one with: glacial-lakes init DIR": "создайте его командой: glacial-lakes init DIR",
        "is no TOML: {}": "не является TOML: {}",
        "texts stand in quotes, lists in [ ]; in Windows paths write / for \\": (
            "тексты пишутся в кавычках, списки – в [ ]; в путях Windows пишите / вместо \\"
        ),
        "cannot be read: {phrase}": "не читается: {}",
        "save it as UTF-8 text": "сохраните его как текст UTF-8",
        "there is no table [{}]": "таблицы [{}] нет",
        "{} is no table": "{} – не таблица",
        "write [{}] and its keys below it": "напишите [{}], а ключи – под ней",
        "[{}] has no key {}": "в [{}] нет ключа {}",
        "did you mean {}?": "может быть, {}?",
        "known are {}": "известны: {}",
        "{} = {} is not {phrase}": "{} = {} – не {}",
        "{} = {} is not allowed": "{} = {} не допускается",
        "give {phrase}": "нужно: {}",
        "{} of {} is not there": "нет файла, указанного как {} в {}",
        "correct the path": "исправьте путь",
        "project.output = {} would mix results with the inputs": (
            "project.output = {} смешает результаты с исходными данными"
        ),
        'give a folder of its own, e.g. "output"': 'укажите отдельную папку, например "output"',
        "inputs.scenes names it, but it is not there": "указан в inputs.scenes, но отсутствует",
        "none of {} scenes lies in the months {}": "из {} снимков ни один не попадает в месяцы {}",
        "change inputs.months": "измените inputs.months",
        "is there already": "уже существует",
        "edit it, or name another folder": "исправьте его или укажите другую папку",
        "its ending names no format": "расширение не задаёт формата",
        "use any of {}": "используйте одно из: {}",
        "there is no export format {}": "формата экспорта {} нет",
        "the format parquet needs the package pyarrow": "для формата parquet нужен пакет pyarrow",
        "pip install pyarrow": "выполните: pip install pyarrow",
        "language {} is not known": "язык {} неизвестен",
        "use en or ru": "используйте en или ru",
        # results
        "cannot be written: {phrase}": "не удаётся записать: {}",
        "check the disk": "проверьте диск",
        "free the disk or choose another folder": "освободите диск или выберите другую папку",
        "name another folder": "укажите другую папку",
        "choose another folder": "выберите другую папку",
        "nothing was written": "ничего не записано",
        "see the messages before this one": "смотрите сообщения перед этим",
        "{} does not read back as written": "{}: прочитано не то, что записано",
        "layer {} does not read back as written": "слой {}: прочитано не то, что записано",
        "use the GeoPackage": "используйте GeoPackage",
        "{} has infinite values": "{} содержит бесконечные значения",
        "report this as a fault": "сообщите об этой ошибке",
        "process {} on {} is writing here": "сюда пишет процесс {} на {}",
        "another run is writing here": "сюда пишет другой запуск",
        "wait for it, or delete {} if it no longer runs": (
            "дождитесь его или удалите {}, если он больше не работает"
        ),
        "holds files of other work": "содержит файлы другой работы",
        "name a new folder for the demo": "укажите новую папку для примера",
        "the sample scenes are not installed": "снимки примера не установлены",
        "install the wheel again": "установите пакет заново",
        "the product is there already": "продукт уже существует",
        # resources
        "the memory does not suffice": "не хватает памяти",
        "allow more with --max-memory": "разрешите больше: --max-memory",
        "took longer than {} s": "не уложился в {} с",
        "try it alone on a faster machine": "попробуйте отдельно, на более быстрой машине",
        "its process was ended by {}": "его процесс прерван: {}",
        "its process was ended by signal {}": "его процесс прерван сигналом {}",
        "its process ended with code {}": "его процесс завершился с кодом {}",
        "run again with -v for details": "запустите ещё раз с -v, чтобы увидеть подробности",
        "look into the log of the executor": "посмотрите журнал исполнителя",
        "did not arrive whole": "получено не полностью",
        "examine the disk": "проверьте диск",
        "Dask is not installed": "Dask не установлен",
        'install it: python -m pip install "glacial-lakes[dask]"': (
            'установите его: python -m pip install "glacial-lakes[dask]"'
        ),
        "is no address of a Dask scheduler": "это не адрес планировщика Dask",
        "give one such as tcp://10.0.0.5:8786": "укажите адрес вида tcp://10.0.0.5:8786",
        "no Dask scheduler answers there": "по этому адресу планировщик Dask не отвечает",
        "start it with: dask scheduler, and give the address that it prints": (
            "запустите его командой dask scheduler и укажите адрес, который он выведет"
        ),
        "the connection to the Dask scheduler was lost": "потеряна связь с планировщиком Dask",
        "start the run again: it goes on from here": (
            "запустите ещё раз: работа продолжится с этого места"
        ),
        "has glacial_lakes {}, and not {}": "установлен glacial_lakes {}, а нужна версия {}",
        "the worker on {} has {} {}, and not {}": (
            "на рабочем узле {} установлено {} {}, а нужна версия {}"
        ),
        "install the same versions on all workers": "установите одинаковые версии на всех узлах",
        "the worker on {} does not see it": "рабочий узел {} этого не видит",
        "keep it on a disk that all workers share": "держите это на диске, общем для всех узлов",
        "run again with --debug and report it": "запустите ещё раз с --debug и сообщите об ошибке",
        # findings about the installation
        "system": "система",
        "memory": "память",
        "cores": "ядра",
        "temporary folder": "временная папка",
        "compiled code": "скомпилированный код",
        "not kept: each process compiles anew": (
            "не сохраняется: каждый процесс компилирует его заново"
        ),
        "set NUMBA_CACHE_DIR to a folder that lasts": (
            "укажите в NUMBA_CACHE_DIR папку, которая сохраняется надолго"
        ),
        "text": "текст",
        "{} drivers": "драйверы {}",
        "rasterio PROJ": "PROJ в rasterio",
        "pyproj PROJ": "PROJ в pyproj",
        "not installed": "не установлен",
        "no {names}": "нет {}",
        "{} belongs to another program": "{} относится к другой программе",
        "{} ({} GiB free)": "{} (свободно {} ГиБ)",
        "{} GiB": "{} ГиБ",
        "console {}, file names {}": "консоль {}, имена файлов {}",
        "python -m pip install {}": "выполните: python -m pip install {}",
        "python -m pip install --force-reinstall {}": (
            "выполните: python -m pip install --force-reinstall {}"
        ),
        "install {} from PyPI or conda-forge; unset GDAL_SKIP": (
            "установите {} из PyPI или conda-forge; уберите переменную GDAL_SKIP"
        ),
        "unset PROJ_LIB and PROJ_DATA, then start again": (
            "уберите переменные PROJ_LIB и PROJ_DATA и запустите снова"
        ),
        "unset {}, or {}, if a CRS cannot be found": (
            "уберите переменную {} или {}, если система координат не находится"
        ),
        "the commands of glacial-lakes leave it aside; in notebooks, unset {}": (
            "команды glacial-lakes её не учитывают; в блокнотах уберите переменную {}"
        ),
        "unset {} if a file or driver cannot be opened": (
            "уберите переменную {}, если файл или драйвер не открывается"
        ),
        "run with --jobs 1 and --max-memory 1GB": "запускайте с --jobs 1 и --max-memory 1GB",
        "set TMPDIR (Windows: TEMP) to a folder with room": (
            "укажите в TMPDIR (в Windows – TEMP) папку, где есть место"
        ),
        "free the disk, or set TMPDIR (Windows: TEMP) to another": (
            "освободите диск или укажите другой в TMPDIR (в Windows – TEMP)"
        ),
        "set PYTHONUTF8=1 if letters are shown as question marks": (
            "задайте PYTHONUTF8=1, если вместо букв видны вопросительные знаки"
        ),
    }
)
"""Whole clauses: what is wrong, or what to do."""

PHRASES = {
    # settings
    "a number": "число",
    "a whole number": "целое число",
    "a text": "строка",
    "a list of texts": "список строк",
    "a list of whole numbers": "список целых чисел",
    "a number from {} to {}": "число от {} до {}",
    "a number above 0": "число больше 0",
    "a text that is not empty": "непустая строка",
    "a list of at least one path": "список хотя бы из одного пути",
    "a list of months from 1 to 12": "список месяцев от 1 до 12",
    "a list of any of {}": "список из значений {}",
    '"{}" or "{}"': '"{}" или "{}"',
    # metadata
    "the level": "уровень обработки",
    "the file name": "имя файла",
    "the product name (PRODUCT_URI)": "имя продукта (PRODUCT_URI)",
    "the sensing time": "время съёмки",
    "the special value {}": "особое значение {}",
    "the quantification value": "коэффициент квантования",
    "the processing baseline": "версия обработки (PROCESSING_BASELINE)",
    "the offset of {}": "смещение {}",
    "{} at 10 m": "{} для 10 м",
    "the sun's {}": "угол солнца {}",
    "the cloud cover": "облачность",
    "{} with {}": "{} и {}",
    "the {} band": "канал {}",
    "the quality layer": "слой качества",
    "no": "аппарат не указан",
    "sensor": "сенсор не указан",
    # layers
    "reference": "эталон",
    "outlines": "контуры",
    # parts of shapefiles
    "index": "индекс",
    "attributes": "атрибуты",
    "CRS": "система координат",
    # the operating system
    "No space left on device": "на диске нет места",
    "Permission denied": "нет прав доступа",
    "Read-only file system": "файловая система только для чтения",
    "No such file or directory": "нет такого файла или папки",
    "File exists": "файл уже существует",
    "Is a directory": "это папка",
    "Not a directory": "это не папка",
}
"""Parts of clauses, where the clause has ``{phrase}``."""
