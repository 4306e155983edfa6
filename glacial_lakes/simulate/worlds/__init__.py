"""Worlds by seed: relief, materials, skies, masks and faults that vary as real ones do."""

from glacial_lakes.simulate.worlds.scene import (
    Image,
    WorldSite,
    WrittenWorld,
    look,
    make_world,
    write_world,
)
from glacial_lakes.simulate.worlds.world import DEVELOPMENT, GROUPS, KEPT, View, World

__all__ = [
    "DEVELOPMENT",
    "GROUPS",
    "KEPT",
    "Image",
    "View",
    "World",
    "WorldSite",
    "WrittenWorld",
    "look",
    "make_world",
    "write_world",
]
