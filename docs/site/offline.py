"""Makes the built site stand alone: `python docs/site/offline.py build/docs`.

Its generator has every page load one script of another host, which searching needs where the site is opened from a folder:
that script is in this folder, too. Others it would load for diagrams and the like, of which there are none here.
"""

import os
import re
import sys
from pathlib import Path

SHIM = "https://unpkg.com/iframe-worker/shim"
OTHERS = re.compile(r"https://(?:unpkg\.com|cdn\.jsdelivr\.net)/[^\"'`]*")


def main(site: Path) -> None:
    ours = site / "docs" / "site" / "iframe-worker.js"
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        page.write_text(text.replace(SHIM, os.path.relpath(ours, page.parent)), "utf-8")
    for script in site.glob("assets/javascripts/*.js"):
        script.write_text(OTHERS.sub("", script.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
