"""The tools in QGIS run the package in its own environment; tried in QGIS without windows."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from enum import Flag, IntEnum, auto
from pathlib import Path
from types import ModuleType

import pytest
from editing import qgis
from sample_inventory import make_inventory
from sample_project import PRODUCTS, Maker
from texts import source_texts

from glacial_lakes.cli import qgis_install
from glacial_lakes.cli.commands import cli
from glacial_lakes.cli.qgis_install import NAME, WORDS, install, profiles
from glacial_lakes.errors import ForeignFileError
from glacial_lakes.inventory.inventory import open_inventory

PROGRAM = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
qgis_process = pytest.mark.skipif(PROGRAM is None, reason="needs qgis_process of QGIS")
VERBS = {"map", "run", "track", "review", "validate", "export"}


def in_qgis(home: Path, *told: str) -> subprocess.CompletedProcess[str]:
    """Call QGIS's program with a profile of its own."""
    environment = {
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONIOENCODING": "utf-8",
    }
    command = [str(PROGRAM), *told]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=900, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which the tools are installed and enabled, in Russian."""
    home = tmp_path_factory.mktemp("home")
    (folder,) = profiles({"HOME": str(home)}, "linux")
    (target,) = install("ru", folder)
    settings = json.loads((target / "settings.json").read_text(encoding="utf-8"))
    # QGIS leads others away from their libraries by PYTHONPATH, which the tools leave aside.
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r}); "
    code += "import runpy; runpy.run_module('glacial_lakes', run_name='__main__')"
    starter = home / "python.sh"
    starter.write_text(f'#!/bin/sh\nshift 2\nexec {settings["python"]} -c "{code}" "$@"\n')
    starter.chmod(0o755)
    settings["python"] = str(starter)
    (target / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    if PROGRAM is not None:
        done = in_qgis(home, "plugins", "enable", NAME)
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    make_inventory(12).to_file(tmp_path / "inventory.gpkg")
    return tmp_path / "inventory.gpkg"


@qgis_process
def test_qgis_offers_the_tools_in_russian(home: Path) -> None:
    told = json.loads(in_qgis(home, "--json", "list").stdout)
    tools = told["providers"]["glacial_lakes"]["algorithms"]
    assert {name.partition(":")[2] for name in tools} == VERBS
    assert tools["glacial_lakes:export"]["name"] == "Экспортировать каталог"


@qgis_process
def test_an_export_from_qgis_gives_the_workbook(home: Path, inventory: Path) -> None:
    out = inventory.parent / "out"
    options = [f"INVENTORY={inventory}", f"OUTPUT={out}", "SINCE=2013"]
    done = in_qgis(home, "--json", "run", "glacial_lakes:export", "--", *options)
    assert done.returncode == 0, done.stderr + done.stdout
    assert (out / "inventory.xlsx").is_file()
    assert json.loads(done.stdout)["results"]["FILES"] >= 1


@qgis_process
def test_corrections_are_taken_in_from_qgis_and_a_fault_is_one_line_in_russian(
    home: Path, inventory: Path
) -> None:
    copy = Path(shutil.copy(inventory, inventory.with_name("copy.gpkg")))
    lake = open_inventory(inventory).lakes["lake_id"].iloc[0]
    subprocess.run(
        ["ogrinfo", "-q", str(copy), "-sql", f"UPDATE lakes SET comment='x' WHERE lake_id='{lake}'"]  # noqa: S608
        if shutil.which("ogrinfo")
        else ["true"],
        check=True,
        capture_output=True,
    )
    options = [f"INVENTORY={inventory}", f"EDITED={copy}", "BY=Иванова"]
    done = in_qgis(home, "--json", "run", "glacial_lakes:review", "--", *options)
    assert done.returncode == 0, done.stderr + done.stdout
    decisions = json.loads(done.stdout)["results"]["DECISIONS"]
    assert decisions == len(open_inventory(inventory).reviews)
    wrong = [f"INVENTORY={copy.parent / 'none.gpkg'}"]
    failed = in_qgis(home, "run", "glacial_lakes:review", "--", *wrong)
    assert failed.returncode != 0
    assert re.search("[а-я]{4}", failed.stderr + failed.stdout)


TOOLS_IN_TURN = """
import json, os, sys, threading
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback
application = QgsApplication([], False)
application.initQgis()
sys.path.insert(0, sys.argv[1])
from glacial_lakes_tools import provider
tools = provider.Provider()
QgsApplication.processingRegistry().addProvider(tools)
told = json.loads(sys.argv[2])
answers = {}
for verb, parameters in told.items():
    feedback = QgsProcessingFeedback()
    steps = []
    feedback.progressChanged.connect(steps.append)
    if verb == "run":  # somebody cancels as soon as the command has started to speak
        feedback.pushInfo = lambda text: feedback.cancel()
    result, is_good = tools.algorithm(verb).create().run(
        parameters, QgsProcessingContext(), feedback
    )
    answers[verb] = [result, is_good, steps, feedback.isCanceled()]
print(json.dumps(answers), flush=True)
os._exit(0)
"""


@qgis
def test_each_tool_tells_in_qgis_how_far_it_is_and_a_run_is_cancelled(
    home: Path, tmp_path: Path, make: Maker
) -> None:
    project = make(tmp_path / "project", PRODUCTS[:1])
    scene = project.parent / "scenes" / PRODUCTS[0]
    mapped, tracked = tmp_path / "mapped.gpkg", tmp_path / "tracked.gpkg"
    lakes = tmp_path / "list.csv"
    lakes.write_text("number;name;lat;lon\n7;Far;42.2;74.2\n", encoding="utf-8")
    told = {
        "map": {"SCENES": [str(scene)], "DEM": str(project.parent / "dem.tif")}
        | {"OUTPUT": str(mapped)},
        "track": {"FILES": [str(mapped)], "CATALOGUE": str(lakes), "OUTPUT": str(tracked)},
        "validate": {
            **{"OUTLINES": str(mapped), "REFERENCE": str(mapped)},
            "OUTPUT": str(tmp_path / "accuracy.json"),
        },
        "review": {"INVENTORY": str(tracked), "BY": "Иванова"},
        "export": {"INVENTORY": str(tracked), "FORMATS": [0, 2], "OUTPUT": str(tmp_path / "out")},
        "run": {"PROJECT": str(project)},
    }
    (plugins,) = profiles({"HOME": str(home)}, "linux")
    command = ["/usr/bin/python3", "-c", TOOLS_IN_TURN, str(plugins), json.dumps(told)]
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert all(is_good for _, is_good, *_ in answers.values()), answers
    for verb in sorted(VERBS - {"run"}):
        steps = answers[verb][2]
        assert any(0 < step < 100 for step in steps), (verb, steps)
        assert steps == sorted(steps)
        assert steps[-1] == 100
    inventory = open_inventory(tracked)
    assert len(inventory.lakes) > 10
    assert inventory.register["catalogue_no"].tolist().count("7") == 1
    accuracy = json.loads((tmp_path / "accuracy.json").read_text(encoding="utf-8"))
    assert accuracy
    assert answers["run"][3]
    assert not (project.parent / "output" / "inventory.gpkg").exists()


def test_every_word_of_the_tools_is_known_to_catalogues() -> None:
    code = Path(install.__code__.co_filename).parent / "qgis_plugin" / "provider.py"
    text = code.read_text(encoding="utf-8")
    assert "glacial_lakes." not in re.sub("glacial_lakes.org", "", text.partition('"""')[2][400:])
    calls = r'self\.(?:file|text|files|target|choice)\(\s*"\w+", "([^"]+)"|say\("([^"]+)"\)'
    said = {one or other for one, other in re.findall(calls, text)}
    said |= set(re.findall(r'(?:title|told) = (?:"\w+", )?"([^"]+)"', text))
    assert len(said) > 25
    assert said <= set(WORDS)


OF_THE_MACHINE = {"--jobs", "--max-memory", "--dask", "--allow-empty"}
"""What nobody is asked for in a window: these are told in a terminal."""


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_what_a_message_tells_to_give_can_be_given_in_qgis(verb: str) -> None:
    named = {option for _, text in source_texts() for option in re.findall(r"--[a-z][a-z-]*", text)}
    own = {name for p in cli.commands[verb].params for name in (*p.opts, *p.secondary_opts)}
    body = ast.parse(SOURCE.read_text(encoding="utf-8")).body
    texts = [ast.unparse(node) for node in body if getattr(node, "name", "") == verb.capitalize()]
    texts += [ast.unparse(node) for node in body if isinstance(node, ast.Assign)]
    given = {option for text in texts for option in re.findall(r"'(--[a-z-]+)'", text)}
    common = {"--overwrite", "--debug", "--lang", "--json"}
    assert (named & own) - common - OF_THE_MACHINE - given == set()


SOURCE = Path(install.__code__.co_filename).parent / "qgis_plugin" / "provider.py"


def test_the_tools_use_nothing_that_qt_6_or_later_qgis_took_away() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    nodes = [*ast.walk(tree)]
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    roots = {name: name.partition(".")[0] for name in modules}
    foreign = {name for name, root in roots.items() if root not in sys.stdlib_module_names}
    assert all(name == "qgis.core" or name.startswith("qgis.PyQt") for name in foreign), foreign
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    assert not {"QVariant", "QRegExp", "sip"} & named
    assert "exec_" not in {node.attr for node in attributes}
    scopes = [node.value for node in attributes if isinstance(node.value, ast.Attribute)]
    for node in attributes:  # a value of an enum stands behind the name of the enum
        is_of_qt = isinstance(node.value, ast.Name) and re.match("Q(gs|gis|t|[A-Z])", node.value.id)
        if is_of_qt and node.attr[0].isupper():
            assert node in scopes, ast.unparse(node)


class _Parameter:
    def __init__(self, name: str, title: str, *more: object, **options: object) -> None:
        self.name, self.title, self.more = name, title, (*more, *options.values())
        self._flags = _Qgis4.ProcessingParameterFlag(0)

    def flags(self) -> Flag:
        return self._flags

    def setFlags(self, flags: Flag) -> None:  # noqa: N802 (of QGIS)
        assert isinstance(flags, _Qgis4.ProcessingParameterFlag)
        self._flags = flags


class _Algorithm:
    def __init__(self) -> None:
        self.parameters: list[_Parameter] = []

    def addParameter(self, parameter: _Parameter) -> None:  # noqa: N802 (of QGIS)
        self.parameters.append(parameter)


class _Qgis4:
    """The names of QGIS 4 alone: those of QGIS 3 are away, as its authors announce."""

    class ProcessingParameterFlag(Flag):
        Optional = auto()

    class ProcessingSourceType(IntEnum):
        File = 6


def test_the_tools_load_where_only_the_names_of_qgis_4_are_left(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = ModuleType("qgis.core")
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (imported,) = (node for node in tree.body if getattr(node, "module", "") == "qgis.core")
    for alias in imported.names:  # type: ignore[attr-defined]
        base = _Parameter if "Parameter" in alias.name else _Algorithm
        setattr(core, alias.name, type(alias.name, (base,), {}))
    core.Qgis, core.QgsProcessing = _Qgis4, object  # type: ignore[attr-defined]
    core.QgsProcessingException = RuntimeError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "qgis", ModuleType("qgis"))
    monkeypatch.setitem(sys.modules, "qgis.core", core)
    (folder,) = profiles({"HOME": str(home)}, "linux")
    spec = importlib.util.spec_from_file_location("provider", folder / NAME / "provider.py")
    assert spec
    assert spec.loader
    provider = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(provider)
    for kind in (getattr(provider, verb.capitalize()) for verb in sorted(VERBS)):
        tool = kind().createInstance()
        tool.initAlgorithm()
        assert tool.parameters
        for parameter in tool.parameters:
            if type(parameter).__name__ == "QgsProcessingParameterString":
                assert parameter.flags() == _Qgis4.ProcessingParameterFlag.Optional
            if type(parameter).__name__ == "QgsProcessingParameterMultipleLayers":
                assert parameter.more == (_Qgis4.ProcessingSourceType.File,)


def test_an_earlier_version_of_the_tools_is_replaced_and_what_a_person_changed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(qgis_install._SOURCE, source)
    monkeypatch.setattr(qgis_install, "_SOURCE", source)
    (target,) = install("en", tmp_path)
    (source / "provider.py").write_text("# of the next version", encoding="utf-8")
    install("ru", tmp_path)
    assert (target / "provider.py").read_text(encoding="utf-8") == "# of the next version"
    (target / "provider.py").write_text("# mine", encoding="utf-8")
    with pytest.raises(ForeignFileError):
        install("en", tmp_path)
    assert (target / "provider.py").read_text(encoding="utf-8") == "# mine"


def test_a_plugin_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "__init__.py").write_text("mine")
    with pytest.raises(ForeignFileError):
        install("ru", tmp_path)
    assert (tmp_path / NAME / "__init__.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("environment", "platform", "told"),
    [
        ({"APPDATA": "/a/Roaming"}, "win32", "/a/Roaming/QGIS/QGIS3"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Application Support/QGIS/QGIS3"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/d"}, "linux", "/d/QGIS/QGIS3"),
    ],
)
def test_plugins_lie_where_qgis_looks_for_them(
    environment: dict[str, str], platform: str, told: str
) -> None:
    (folder,) = profiles(environment, platform)
    assert folder == Path(told) / "profiles" / "default" / "python" / "plugins"
