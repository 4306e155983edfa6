"""``python -m glacial_lakes`` is ``glacial-lakes``."""

from __future__ import annotations

from glacial_lakes.cli.commands import main

if __name__ == "__main__":
    main()
