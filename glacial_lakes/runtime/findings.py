"""What an examination finds, of an installation or of a file, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination.

    Parameters
    ----------
    subject : str
        What was looked at.
    state : {"ok", "note", "fault"}
        ``fault``: something will not work; ``note``: it works, but should be known.
    value : str
        What was found.
    remedy : str
        What to do; empty when nothing is to do.
    """

    subject: str
    state: State
    value: str
    remedy: str = ""
