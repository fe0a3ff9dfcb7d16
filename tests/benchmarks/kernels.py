"""Start some bare Jupyter kernels, two at a time, that import what a notebook imports and do nothing else.

`python -m tests.benchmarks.kernels 4 "import pandas"`: what a report cannot be quicker than.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from jupyter_client.manager import start_new_kernel


def kernel(code: str) -> None:
    """One kernel from start to shutdown."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        reply = client.execute_interactive(code, timeout=300, output_hook=lambda message: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"].get("evalue"))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kernel, [sys.argv[2]] * int(sys.argv[1])))
