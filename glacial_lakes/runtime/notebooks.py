"""How objects show themselves in a notebook."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Mapping


class ShowsFacts(ABC):
    """What shows a few facts of itself as a table in a notebook."""

    @abstractmethod
    def _facts(self) -> Mapping[str, str]:
        """Return names and texts, in the order in which they are shown."""

    def _repr_html_(self) -> str:
        return html_table(self._facts())


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
