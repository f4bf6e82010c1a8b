"""Fixtures that all rooms share."""

from __future__ import annotations

import os

# One thread a test process: pytest-xdist already uses every core, and results do not depend on the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
