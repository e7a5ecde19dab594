"""The C engine; and how long its threads wait awake.

Between two kernels the threads of GCC's OpenMP spin, so as to go on at once: by default for some milliseconds,
and where other programs want the processors too, this takes them from threads that have work. Some microseconds
bridge the gap between kernels as well. A user's own OMP_WAIT_POLICY or GOMP_SPINCOUNT stands.
"""

import os

SPINS = "2000"

if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
    from . import engine
else:
    os.environ["GOMP_SPINCOUNT"] = SPINS  # read once, when the library is loaded
    from . import engine

    del os.environ["GOMP_SPINCOUNT"]
