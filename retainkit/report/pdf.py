"""Pages on paper: each page as a tagged A4 PDF beside it, printed by the Chromium that is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from retainkit.errors import MissingDataError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SECONDS = 120  # that one page may take


def chromium() -> str:
    """The browser to print with.

    Raises
    ------
    MissingDataError
        None of its names is a program on PATH.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        remedy = "install Chromium (Debian: apt-get install chromium), or leave --pdf away and print from a browser"
        raise MissingDataError("--pdf", "needs Chromium or Chrome to print with", f"none of {', '.join(NAMES)} on PATH", remedy)
    return found


def print_pages(folder: Path, program: str) -> str:
    """Print every page of a folder; what went wrong first, "" when nothing did.

    The paper's size and margins are the style sheet's.
    """
    return next(filter(None, [_print(page, program) for page in sorted(folder.glob("*.html"))]), "")


def _print(page: Path, program: str) -> str:
    """Print one page in a browser of its own, which leaves nothing behind."""
    made = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own:
        sheet = Path(own) / page.name  # without links to files: in a PDF they would name this machine's folders
        sheet.write_text(re.sub(r'(<a\b[^>]*?) href="(?!#|https?:)[^"]*"', r"\1", page.read_text("utf-8")), encoding="utf-8")
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # Chromium refuses root a sandbox
        command = [
            program, "--headless", *root, "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={own}/profile", "--no-first-run",
            "--no-pdf-header-footer", "--export-tagged-pdf", "--generate-pdf-document-outline", f"--print-to-pdf={made.resolve()}",
            sheet.as_uri(),
        ]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
        except (subprocess.SubprocessError, OSError) as err:
            return f"{page.stem}: {type(err).__name__}: Chromium could not print it"
    return "" if made.exists() else f"{page.stem}: Chromium printed nothing"
