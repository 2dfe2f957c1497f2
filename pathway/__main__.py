"""``python -m pathway``."""

from __future__ import annotations

from pathway.cli import main

if __name__ == "__main__":
    main()
