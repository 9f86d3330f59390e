"""Offline analytics for Power BI activity logs.

`scan` and `parse` read log files as Arrow, without a store. A `Store` keeps events on disk and runs
reports and SQL on them. `pbi_analyze.spark` does the work of `scan` and `Store.ingest` on a Spark
cluster. The command `pbi-analyze` is the same program.
"""

from __future__ import annotations

import atexit
from importlib import metadata

from ._account import Account, Problem, RecordCounts, SourceAccount, SourceCounts, StoreCounts
from ._account import SourceWarning as SourceWarning
from ._native import (
    ArrowSchema,
    Error,
    FileError,
    InternalError,
    QueryError,
    StoreError,
    UsageError,
    delete_temporary_files,
)
from ._report import Coverage, Period, Report
from ._scan import Scan, parse, scan
from ._store import ReportInfo, Store, reports

__version__ = metadata.version("pbi-analyze")

__all__ = [
    "Account",
    "ArrowSchema",
    "Coverage",
    "Error",
    "FileError",
    "InternalError",
    "Period",
    "Problem",
    "QueryError",
    "RecordCounts",
    "Report",
    "ReportInfo",
    "Scan",
    "SourceAccount",
    "SourceCounts",
    "SourceWarning",
    "Store",
    "StoreCounts",
    "StoreError",
    "UsageError",
    "parse",
    "reports",
    "scan",
]

# Python does not always delete what is left at its end.
atexit.register(delete_temporary_files)
