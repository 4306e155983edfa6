"""Photograph ``viewer.png`` of the README from what ``glacial-lakes demo`` wrote; needs Chromium.

Run both in the root of the repository::

    glacial-lakes demo
    python docs/images/make_viewer_picture.py glacial_lakes_demo/output/viewer.html

Shown is the largest lake that has an alert.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).with_name("viewer.png")
WINDOW = "1100,700"


def main(page: Path) -> None:
    """Photograph a page."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None or program is None:
        sys.exit("give the viewer.html of a run, and install chromium")
    data = json.loads(found[1])
    lake = data["lakes"]["id"][min((alert["lake"] for alert in data["alerts"]), default=0)]
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603 (our own page)
            [
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--virtual-time-budget=5000",
                f"--user-data-dir={profile}",
                f"--window-size={WINDOW}",
                f"--screenshot={PICTURE}",
                f"{page.absolute().as_uri()}#lake={lake}",
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
