"""Runs the command: `python -m pbi_analyze`."""

from ._cli import main

main()
