"""Make the README's picture from an executed notebook: ``make pictures``.

    python docs/pictures.py demo-output/01_meter_a_cell.ipynb docs/images

A few cells become HTML by nbconvert, as anybody would share the notebook; headless
Chromium draws the page, and its empty margins are cut off.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from PIL import Image, ImageChops

PICTURES = {"card.png": ("sklearn", "repeat")}  # file: ids of the cells it shows
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT, SCALE, MARGIN = 860, 2400, 2, 12
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
    f"--force-device-scale-factor={SCALE}",
)


def main(notebook: Path, folder: Path) -> None:
    """Draw every picture of `PICTURES`."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    folder.mkdir(parents=True, exist_ok=True)
    for name, ids in PICTURES.items():
        with tempfile.TemporaryDirectory() as scratch:
            page, shot = Path(scratch, "page.html"), Path(scratch, "shot.png")
            page.write_text(as_html(notebook, ids), "utf-8")
            files = (f"--user-data-dir={scratch}/profile", f"--screenshot={shot}")
            subprocess.run(  # noqa: S603 - fixed arguments, no shell
                [browser, *FLAGS, *files, page.as_uri()],
                check=True,
                capture_output=True,
            )
            trimmed(Image.open(shot).convert("RGB")).save(folder / name, optimize=True)


def as_html(notebook: Path, ids: tuple[str, ...]) -> str:
    """Return the cells called *ids* as a page of their own."""
    read = nbformat.read(notebook, as_version=4)
    read.cells = [cell for cell in read.cells if cell.id in ids]
    page, _ = HTMLExporter(exclude_input_prompt=True).from_notebook_node(read)
    return str(page)


def trimmed(picture: Image.Image) -> Image.Image:
    """Return the picture without the empty part around what it shows."""
    empty = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    box = ImageChops.difference(picture, empty).getbbox()
    if box is None:
        sys.exit("the page is empty")
    left, top, right, bottom = box
    edge = MARGIN * SCALE
    return picture.crop((left - edge, top - edge, right + edge, bottom + edge))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
