"""Skips a JSON-schema extra that costs 1.6 CPU seconds at import and that no notebook needs.

Import it before nbformat: the command line does, and pytest through `-p retainkit._fastjson`.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes `import` raise ImportError
