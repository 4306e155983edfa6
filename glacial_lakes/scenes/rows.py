"""What a reader says of the products that it reads; the tables in the documents are made of it."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from glacial_lakes.errors import Message
from glacial_lakes.language import in_language

PRODUCT = "product"
"""Context of the words of products in the catalogues."""


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

    def words(self, language: str = "en") -> tuple[str, ...]:
        """Return its words in a language, in the order of the fields."""
        return tuple(
            in_language(Message(text, context=PRODUCT), language) for text in astuple(self)
        )
