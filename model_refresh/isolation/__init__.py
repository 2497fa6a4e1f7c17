"""Work in a child process: with a deadline and a memory cap, and alone in its process group.

A fit that hangs, leaks or crashes takes nothing with it, and nothing of it keeps running or
writing: not past its deadline, not after its parent's death. While it works it may tell its parent
how it goes, in lines of text: some of them may be lost, none of them delays or ends it.

A child that did its job and is as good as new may be kept for the next one: to start Python and
import what a fit needs takes longer than a small fit (docs/decisions/0013).
"""

from model_refresh.isolation.inside import child_main
from model_refresh.isolation.running import run_isolated

__all__ = ["child_main", "run_isolated"]
