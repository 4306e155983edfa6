"""The viewer in a notebook: the same page, in a frame of its own."""

from __future__ import annotations

import html
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glacial_lakes.report.viewer import write_viewer

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory


@dataclass(frozen=True, slots=True, repr=False)
class Explored:
    """A viewer that a notebook shows."""

    page: str
    """The whole HTML file."""
    height: int
    """Of the frame, in pixels."""

    def __repr__(self) -> str:
        return f"<Viewer: {len(self.page) / 1e6:.1f} MB; shown by a notebook>"

    def _repr_html_(self) -> str:
        """Return the page as a frame that may run its script, but sees nothing of the notebook."""
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" sandbox="allow-scripts allow-downloads" '
            f'style="width:100%;height:{self.height}px;border:0"></iframe>'
        )


def explore(inventory: Inventory, *, height: int = 640, **options: Any) -> Explored:
    """Return the viewer of an inventory for a notebook.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`; every one may be empty.
    height : int
        Of the frame, in pixels.
    **options
        Those of :func:`glacial_lakes.report.write_viewer`: ``language``, ``title``, ``glaciers``,
        ``dem``, ``looks``, ``rivers``.

    Returns
    -------
    Explored
        What a notebook shows; pictures that would not fit into one page are left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        page, *_ = write_viewer(inventory, Path(folder) / "viewer.html", **options)
        return Explored(page.read_text(encoding="utf-8"), height)
