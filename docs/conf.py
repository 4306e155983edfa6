"""Settings of the documentation site.

The source is the root of the repository, so that a link between two files leads to the same place
here and on GitHub. Build it there::

    python -m pip install ".[docs]"
    python -m sphinx -W --keep-going -c docs . docs/_build/html
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
os.environ["PYTHONPATH"] = str(ROOT)  # notebooks, too, run the code that lies beside them

import glacial_lakes  # noqa: E402 (found now)

project = "glacial_lakes"
author = "The glacial_lakes developers"
version = release = glacial_lakes.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.linkcode",
    "site_parts",
]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**",
    "notebooks/*.ipynb",
    "sample_data/README.md",
    "glacial_lakes/**.py",
    "benchmarks/*.py",
]
exclude_patterns = ["docs/_build", "docs/_templates", "**/.*"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext", ".py": "code"}
templates_path = ["_templates"]

myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True

autosummary_generate = False  # site_parts writes the pages
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # they follow with their own docstrings

html_theme = "pydata_sphinx_theme"
html_title = "glacial_lakes"
html_additional_pages = {"index": "to_documents.html"}
html_copy_source = False
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}
