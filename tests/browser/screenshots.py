"""`python -m tests.browser.screenshots FOLDER [STATE…]`: every page as a picture, on a desktop, in the dark and on a phone (`make docs`)."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from PIL import Image

from web.rehearsal.house import House

from .gallery import STATES, visit
from .rig import browser

VIEWS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1, "is_mobile": True, "has_touch": True},
}
FULL_PAGE_MAX = 2_600
"""Pixels of a long page that are kept."""
COLOURS = 128
"""Of a picture; flat pages need no more, and the files are a third as large."""


def _smaller(file: Path) -> None:
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


async def take(folder: Path, wanted: list[str]) -> None:
    """All states in all views, or those that are wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        house = House(Path(data), command="demo")
        await house.start()
        try:
            async with browser() as chromium:
                for view, options in VIEWS.items():
                    for state in wanted or STATES:
                        context = await chromium.new_context(**options)
                        page = await context.new_page()
                        await visit(page, house.url, state)
                        await page.wait_for_timeout(400)
                        width, height = options["viewport"]["width"], await page.evaluate("document.documentElement.scrollHeight")
                        clip = {"x": 0, "y": 0, "width": width, "height": min(height, FULL_PAGE_MAX)}
                        file = folder / f"{state}-{view}.png"
                        await page.screenshot(path=file, full_page=True, clip=clip)
                        await asyncio.to_thread(_smaller, file)
                        await context.close()
        finally:
            await house.stop()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), sys.argv[2:]))
