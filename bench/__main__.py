"""`python -m bench [NAME ...]`: run the benchmarks of that name, or all of them, and print their tables."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    folder = Path(__file__).parent
    for name in sys.argv[1:] or sorted(path.parent.name for path in folder.glob("*/run.py")):
        importlib.import_module(f"bench.{name}.run").main()
