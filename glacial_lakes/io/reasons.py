"""What libraries say when they fail, as one short clause."""

from __future__ import annotations

import re

_SQL = re.compile(r"sqlite3_\w+\(.*?\) failed: ", re.DOTALL)


def plain_reason(error: Exception) -> str:
    """Return what a library says without the statements that it tried, each thing once.

    Examples
    --------
    >>> plain_reason(OSError("sqlite3_exec(CREATE TABLE a (b); END;) failed: disk is full"))
    'disk is full'
    """
    reasons = [part.strip() for part in _SQL.sub("", str(error)).split("; ")]
    return "; ".join(dict.fromkeys(part for part in reasons if part))
