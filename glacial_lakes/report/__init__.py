"""An inventory as pages that people read: the report, an atlas to print, a map to review in."""

from __future__ import annotations

from glacial_lakes.report.atlas import write_atlas
from glacial_lakes.report.notebook import explore
from glacial_lakes.report.viewer import write_viewer

__all__ = ["explore", "write_atlas", "write_viewer"]
