#!/usr/bin/env python3
"""explain.py FILE... says in what two builds differ, and why, one JSON object per line and file.

    /a, /b               the artifacts of the first and the second build; FILE is relative to both
    /a-build, /b-build   the object trees they were made in (optional): then culprits are named by object file
    /src                 the source (optional): then culprits' sources are searched for __DATE__ and the like

    KDOCK_DIFFOSCOPE_SECONDS   what diffoscope may take for all files together, default 120; 0: it is not run
    KDOCK_EXPLAIN_ROOT         where /a, /b, ... are, default "/"

Everything read here was made by builds and is taken as untrusted: it is parsed within bounds, and links are not followed.
"""

import sys

from explain.report import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
