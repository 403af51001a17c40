"""Our figures beside the peers', in one run; `make bench-...` runs them."""

from pipeline.threads import choose_threads

choose_threads()
