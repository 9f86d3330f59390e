"""The command `pbi-analyze`."""

from __future__ import annotations

import signal
import sys

from ._native import run_command_line


def main() -> None:
    """Runs the command line of this process, and ends it with the exit code."""
    # The program handles Ctrl-C itself. A process that was started to ignore it stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    words = ["pbi-analyze", *sys.argv[1:]]
    arguments = len(sys.argv) - 1
    start = sys.orig_argv[1 : len(sys.orig_argv) - arguments]
    sys.exit(run_command_line(words, [sys.executable, *start]))
