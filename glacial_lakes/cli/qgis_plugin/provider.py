# mypy: ignore-errors
"""Processing tools of glacial_lakes in QGIS.

Nothing of the package is loaded into QGIS: its libraries and those of QGIS would disturb each
other. Each tool runs a command in the environment that ``glacial-lakes qgis-install`` was called
from, tells what it says, and stops it when the user cancels.
"""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsProcessingProvider,
)

SETTINGS = json.loads(Path(__file__).with_name("settings.json").read_text(encoding="utf-8"))
"""Python of the package, language, and words in it."""
PERCENT = re.compile("([0-9]+) %")
"""The line by which the package tells how far it is."""
FOREIGN = re.compile(r"(PYTHON|PROJ_|GDAL_|GRASS|OSGEO4W|GISBASE|QT_|QGIS_|SSL_CERT)")
"""Variables by which QGIS leads other programs to its own libraries."""
FILES = getattr(QgsProcessing, "TypeFile", None)
if FILES is None:
    FILES = Qgis.ProcessingSourceType.File
POLL_S = 0.2
STOP_S = 20
CONFLICTS = ("ask", "file", "inventory")
MISSING = {"ask": [], "are no lakes": ["--whole"], "were left out of it": ["--partial"]}
"""What lakes are that an edited file lacks, and how the command is told."""


def say(text):
    """Return a text in the language of the user."""
    return SETTINGS["words"].get(text, text)


def environment():
    """Return the environment of this process without what leads to libraries of QGIS."""
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    return {**kept, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}


def run(arguments, feedback):
    """Run a command of the package; return its answer, tell its messages, and heed a cancel."""
    command = [SETTINGS["python"], "-m", "glacial_lakes", "--json", "--progress"]
    command += ["--lang", SETTINGS["language"], *arguments]
    feedback.pushCommandInfo(" ".join(command))
    on_windows = sys.platform == "win32"
    process = subprocess.Popen(  # noqa: S603 (our own program)
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=environment(),
        encoding="utf-8",
        errors="replace",
        creationflags=0x08000200 if on_windows else 0,  # no window, a group of its own
    )
    said, answer = queue.Queue(), []
    readers = [
        threading.Thread(target=lambda: [said.put(line) for line in process.stderr], daemon=True),
        threading.Thread(target=lambda: answer.append(process.stdout.read()), daemon=True),
    ]
    for reader in readers:
        reader.start()
    lines = follow(process, said, feedback)
    for reader in readers:
        reader.join()
    process.stdout.close()
    process.stderr.close()
    while not said.empty():
        tell(said.get().rstrip(), lines, feedback)
    if feedback.isCanceled():
        return {}
    if process.returncode not in (0, 3):
        raise QgsProcessingException("\n".join(lines[-3:]) or say("the command failed"))
    feedback.setProgress(100)
    return json.loads("".join(answer) or "{}")


def follow(process, said, feedback):
    """Tell what the command says and how far it is until it ends, or end it."""
    lines = []
    while process.poll() is None:
        try:
            line = said.get(timeout=POLL_S).rstrip()
        except queue.Empty:
            line = None
        if line:
            tell(line, lines, feedback)
        if feedback.isCanceled():
            stop(process)
    return lines


def tell(line, lines, feedback):
    """Tell a line of the command, or how far it is."""
    if found := PERCENT.fullmatch(line):
        feedback.setProgress(int(found[1]))
    else:
        lines.append(line)
        feedback.pushInfo(line)


def stop(process):
    """Interrupt a command as Ctrl-C does: what it has finished stays whole."""
    is_windows = sys.platform == "win32"
    process.send_signal(signal.CTRL_BREAK_EVENT if is_windows else signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


class Tool(QgsProcessingAlgorithm):
    """A command of the package."""

    verb = ""
    title = ""
    summary = ""

    def createInstance(self):  # noqa: N802 (of QGIS)
        """Return a new tool of this kind."""
        return type(self)()

    def name(self):
        """Return the name for scripts."""
        return self.verb

    def displayName(self):  # noqa: N802
        """Return the name for people."""
        return say(self.title)

    def shortHelpString(self):  # noqa: N802
        """Return what it does."""
        return say(self.summary)

    def file(self, name, title, optional=False):
        """Add a parameter: a file that is read."""
        self.addParameter(QgsProcessingParameterFile(name, say(title), optional=optional))

    def text(self, name, title, default=None):
        """Add a parameter: a text that may be left out."""
        parameter = QgsProcessingParameterString(name, say(title), defaultValue=default)
        optional = getattr(type(parameter), "FlagOptional", None)
        if optional is None:
            optional = Qgis.ProcessingParameterFlag.Optional
        parameter.setFlags(parameter.flags() | optional)
        self.addParameter(parameter)

    def choice(self, name, title, options):
        """Add a parameter: one of some words, by default the first."""
        words = [say(one) for one in options]
        self.addParameter(QgsProcessingParameterEnum(name, say(title), words, defaultValue=0))

    def files(self, name, title):
        """Add a parameter: several files."""
        self.addParameter(QgsProcessingParameterMultipleLayers(name, say(title), FILES))

    def target(self, name, title, kind):
        """Add a parameter: a file that is written."""
        self.addParameter(QgsProcessingParameterFileDestination(name, say(title), kind))

    def given(self, parameters, context, options):
        """Return the options of the command whose parameters are filled in."""
        found = []
        for option, name in options:
            value = self.parameterAsString(parameters, name, context)
            found += [option, value] if value else []
        return found


class Map(Tool):
    """``glacial-lakes map``."""

    verb, title = "map", "Map scenes"
    summary = "Map single scenes into one file of outlines, without lake identities."

    def initAlgorithm(self, config=None):  # noqa: N802
        """Tell the parameters."""
        self.files("SCENES", "Scenes")
        self.file("DEM", "Elevation model", optional=True)
        self.file("GLACIERS", "Glacier outlines", optional=True)
        self.file("AOI", "Area of interest", optional=True)
        self.target("OUTPUT", "Outlines", "GeoPackage (*.gpkg)")

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run the command."""
        out = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        scenes = self.parameterAsFileList(parameters, "SCENES", context)
        named = (("--dem", "DEM"), ("--glaciers", "GLACIERS"), ("--aoi", "AOI"))
        options = self.given(parameters, context, named)
        run(["map", *scenes, "-o", out, *options], feedback)
        return {"OUTPUT": out}


class Run(Tool):
    """``glacial-lakes run``."""

    verb, title = "run", "Run a project"
    summary = "Do the whole job of a project file: map what is new, track, export, report."

    def initAlgorithm(self, config=None):  # noqa: N802
        """Tell the parameters."""
        self.file("PROJECT", "Project file")

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run the command."""
        project = self.parameterAsString(parameters, "PROJECT", context)
        answer = run(["run", project], feedback)
        if feedback.isCanceled():
            return {}
        folder = Path(answer.get("output", ""))
        return {
            "OUTPUT": str(folder / "inventory.gpkg"),
            "REPORT": str(folder / "report.html"),
            "LAKES": answer.get("lakes"),
        }


class Track(Tool):
    """``glacial-lakes track``."""

    verb, title = "track", "Track older outlines"
    summary = "Make an inventory of older outlines that others drew."

    def initAlgorithm(self, config=None):  # noqa: N802
        """Tell the parameters."""
        self.files("FILES", "Files of outlines")
        self.text("FIELD", "Fields under other names, e.g. acquired=IMG_DAY; lake_name=NAIM")
        self.text("DATE", "Date of all outlines")
        self.text("ENCODING", "Text encoding of a shapefile, e.g. CP1251")
        self.text("LAYER", "Layer of the files")
        self.file("GLACIERS", "Glacier outlines", optional=True)
        self.file("BASINS", "Basins", optional=True)
        self.text("BASIN_FIELD", "Field of the basins with their names")
        self.file("CATALOGUE", "Your list of lakes, or a project file", optional=True)
        self.target("OUTPUT", "Inventory", "GeoPackage (*.gpkg)")

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run the command."""
        out = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        files = self.parameterAsFileList(parameters, "FILES", context)
        named = (("--date", "DATE"), ("--encoding", "ENCODING"))
        named += (("--layer", "LAYER"), ("--glaciers", "GLACIERS"), ("--catalogue", "CATALOGUE"))
        named += (("--basins", "BASINS"), ("--basin-field", "BASIN_FIELD"))
        options = self.given(parameters, context, named)
        for field in self.parameterAsString(parameters, "FIELD", context).split(";"):
            options += ["--field", field.strip()] if field.strip() else []
        run(["track", *files, "-o", out, *options], feedback)
        return {"OUTPUT": out}


class Review(Tool):
    """``glacial-lakes review``."""

    verb, title = "review", "Take corrections in"
    summary = "Take corrections into an inventory: from a copy, or made in the inventory itself."

    def initAlgorithm(self, config=None):  # noqa: N802
        """Tell the parameters."""
        self.file("INVENTORY", "Inventory")
        self.file("EDITED", "Edited copy", optional=True)
        self.text("BY", "Who decided")
        self.text("ENCODING", "Text encoding of a shapefile, e.g. CP1251")
        self.choice("MISSING", "Lakes that the edited file lacks", MISSING)
        self.choice("CONFLICTS", "Where two persons contradict each other", CONFLICTS)
        title = say("Only show what was understood")
        self.addParameter(QgsProcessingParameterBoolean("DRY_RUN", title, defaultValue=False))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run the command."""
        inventory = self.parameterAsString(parameters, "INVENTORY", context)
        edited = self.parameterAsString(parameters, "EDITED", context)
        named = (("--by", "BY"), ("--encoding", "ENCODING"))
        options = self.given(parameters, context, named)
        options += ["--conflicts", CONFLICTS[self.parameterAsInt(parameters, "CONFLICTS", context)]]
        options += list(MISSING.values())[self.parameterAsInt(parameters, "MISSING", context)]
        if self.parameterAsBool(parameters, "DRY_RUN", context):
            options.append("--dry-run")
        arguments = ["review", inventory, *([edited] if edited else []), *options]
        decisions = run(arguments, feedback).get("reviews", [])
        for row in decisions:
            who = row["reviewer"] or say("not told")
            feedback.pushInfo(f"{say(row['decision'])}  {row['lake_id']}  {who}")
        return {"DECISIONS": len(decisions)}


class Validate(Tool):
    """``glacial-lakes validate``."""

    verb, title = "validate", "Validate outlines"
    summary = "Compare outlines with reference outlines of the same date and area."

    def initAlgorithm(self, config=None):  # noqa: N802
        """Tell the parameters."""
        self.file("OUTLINES", "Outlines")
        self.file("REFERENCE", "Reference outlines")
        self.text("DATE", "Day of the outlines")
        self.text("LAYER", "Layer of the outlines")
        self.text("REFERENCE_LAYER", "Layer of the reference outlines")
        self.target("OUTPUT", "Accuracy", "JSON (*.json)")

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run the command."""
        out = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        pair = [
            self.parameterAsString(parameters, name, context) for name in ("OUTLINES", "REFERENCE")
        ]
        named = (("--date", "DATE"), ("--layer", "LAYER"), ("--reference-layer", "REFERENCE_LAYER"))
        options = self.given(parameters, context, named)
        run(["validate", *pair, "-o", out, *options], feedback)
        return {"OUTPUT": out}


class Export(Tool):
    """``glacial-lakes export``."""

    verb, title = "export", "Export an inventory"
    summary = "Write an inventory in other formats, or the best outlines of some years."

    def initAlgorithm(self, config=None):  # noqa: N802
        """Tell the parameters."""
        self.file("INVENTORY", "Inventory")
        title = say("Formats")
        formats = SETTINGS["formats"]
        chosen = [formats.index("xlsx")]
        self.addParameter(
            QgsProcessingParameterEnum(
                "FORMATS", title, formats, allowMultiple=True, defaultValue=chosen
            )
        )
        self.text("SINCE", "Tell changes from")
        self.text("EPOCH", "Best outlines of some years, e.g. 2020=2019-2021")
        self.text("MONTHS", "Their months, e.g. 7-9")
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", say("Folder")))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Run the command."""
        out = self.parameterAsString(parameters, "OUTPUT", context)
        inventory = self.parameterAsString(parameters, "INVENTORY", context)
        named = (("--since", "SINCE"), ("--epoch", "EPOCH"), ("--months", "MONTHS"))
        options = self.given(parameters, context, named)
        for place in self.parameterAsEnums(parameters, "FORMATS", context):
            options += ["--format", SETTINGS["formats"][place]]
        paths = run(["export", inventory, "-o", out, *options], feedback).get("paths", [])
        return {"OUTPUT": out, "FILES": len(paths)}


class Provider(QgsProcessingProvider):
    """All tools."""

    def loadAlgorithms(self):  # noqa: N802
        """Offer the tools."""
        for kind in (Map, Run, Track, Review, Validate, Export):
            self.addAlgorithm(kind())

    def id(self):
        """Return the name for scripts."""
        return "glacial_lakes"

    def name(self):
        """Return the name for people."""
        return say("Glacial lakes")


class Plugin:
    """What QGIS loads."""

    def __init__(self):
        self.provider = None

    def initProcessing(self):  # noqa: N802
        """Offer the tools to Processing, also without windows."""
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):  # noqa: N802
        """Begin."""
        self.initProcessing()

    def unload(self):
        """End."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
