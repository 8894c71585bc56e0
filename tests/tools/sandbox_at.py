"""`python -m tests.tools.sandbox_at TIME [OPTION ...]`: run the sandbox as if it were started at that time.

TIME is like `2026-11-18T09:30:00+00:00`; the options are those of `python -m sandbox`. Pictures of the
documentation have the same times in them whenever they are made, and a month can be made to end.
"""

from __future__ import annotations

import sys
from datetime import datetime

import time_machine

from sandbox.__main__ import main

if __name__ == "__main__":
    with time_machine.travel(datetime.fromisoformat(sys.argv[1])):
        sys.exit(main(sys.argv[2:]))
