"""An inventory as pages that people read: the report, and a map to look at and to review in."""

from __future__ import annotations

from glacial_lakes.report.viewer import write_viewer

__all__ = ["write_viewer"]
