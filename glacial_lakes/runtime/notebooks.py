"""How objects show themselves in a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping


def html_table(facts: Mapping[str, str]) -> str:
    """Return names and texts as a small HTML table; both are escaped.

    >>> html_table({"lakes": "3 > 2"})
    '<table><tr><th style="text-align:left">lakes</th><td>3 &gt; 2</td></tr></table>'
    """
    rows = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th><td>{html.escape(text)}</td></tr>'
        for name, text in facts.items()
    )
    return f"<table>{rows}</table>"
