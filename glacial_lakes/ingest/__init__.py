"""Other people's outlines become ours."""

from __future__ import annotations

from glacial_lakes.ingest.reading import read_outlines

__all__ = ["read_outlines"]
