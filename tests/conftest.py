"""What several test files share: the sample's month, published once."""

from __future__ import annotations

from unittest import mock

import in_process
import pytest

from retainkit.report import kernel
from retainkit.report.run import report


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory):
    """The folder of the sample's October, made by all the kit's notebooks, with an earlier month beside it."""
    out = tmp_path_factory.mktemp("sample") / "out"
    (out / "2026-08").mkdir(parents=True)
    (out / "2026-08" / "index.html").write_text("<h1>August 2026</h1>")
    with mock.patch.object(kernel, "run", in_process.run):
        index, good = report("sample", month="2026-10", out=out, jobs=1)
    assert good
    return index.parent
