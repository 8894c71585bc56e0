"""Measure the peak memory of this process."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

MIB = 1024 * 1024


class PeakMemory:
    """Peak of the resident memory since this object was made, absolute and above what it was then."""

    def __init__(self) -> None:
        gc.collect()
        try:
            # Resets the high-water mark: https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            self.method = "ru_maxrss"
        else:
            self.method = "VmHWM, reset before"
        self._before_bytes = self._high_water_bytes()

    @property
    def added_bytes(self) -> int:
        return self._high_water_bytes() - self._before_bytes

    @property
    def peak_bytes(self) -> int:
        return self._high_water_bytes()

    def describe(self) -> str:
        before, added = self._before_bytes / MIB, self.added_bytes / MIB
        return f"{added:.1f} MiB, on top of {before:.0f}"

    def _high_water_bytes(self) -> int:
        if self.method == "ru_maxrss":
            # In KiB on Linux, in bytes on macOS.
            unit = 1 if sys.platform == "darwin" else 1024
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
