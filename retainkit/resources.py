"""Where the files that travel with the package are: the notebooks and the sample company's tables."""

from __future__ import annotations

from pathlib import Path

from retainkit.errors import MissingDataError


def notebooks_folder() -> Path:
    """The folder of the kit's notebooks: the checkout's, or the copy inside an installed package."""
    return _folder("_notebooks", "notebooks")


def sample_folder() -> Path:
    """The folder of the sample company's tables: the checkout's, or the copy inside an installed package."""
    return _folder("_sample", "data/sample")


def _folder(packaged: str, checkout: str) -> Path:
    """The packaged folder where there is one (a wheel), else the one beside the package (a checkout)."""
    package = Path(__file__).resolve().parent
    for folder in (package / packaged, package.parent / checkout):
        if folder.is_dir():
            return folder
    raise MissingDataError(
        "retainkit", f"the folder {checkout} is not installed with it", remedy="pip install --force-reinstall retainkit"
    )
