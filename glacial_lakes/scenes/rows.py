"""What a reader says of the products that it reads; the tables in the documents are made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of product, in words of the documents."""

    product: str
    given: str
    """As what it is given: a folder, an archive, a file."""
    reflectance: str
    """Where scale and offset come from."""
    quality: str
    """Its quality layers."""
