"""Types of the native part of the package. Use the names of `pbi_analyze` instead."""

from collections.abc import Sequence

from ._typing import ArrowRows, Progress

NON_DATA_EXTENSIONS: list[str]
ROW_ORDER: str

class Error(Exception):
    """Any error of pbi_analyze."""

class UsageError(Error):
    """An argument is wrong."""

class StoreError(Error):
    """The store cannot be read or written."""

class QueryError(Error):
    """A statement was refused, or failed."""

class FileError(Error):
    """A file or folder cannot be read or written."""

class InternalError(Error):
    """A bug of pbi_analyze; please report it."""

class ArrowSchema:
    """Names and types of columns."""

    @property
    def names(self) -> list[str]:
        """Names of the columns."""

    @property
    def spark_types(self) -> list[str]:
        """Types of the columns as Spark writes them."""

    def __arrow_c_schema__(self) -> object: ...

class EventTable:
    """Events that were read, in temporary files."""

    @property
    def account_json(self) -> str:
        """The account of the log files as JSON."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class RowStream:
    """Rows that can be read once."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class RowMerger:
    """Removes duplicates among rows that another program passes."""

    def __init__(self) -> None: ...
    def add(self, rows: ArrowRows, is_stored: bool) -> None:
        """Adds rows: with the column ROW_ORDER, or in the order of the names of their sources."""

    def finish(self, threads: int | None) -> RowStream:
        """Returns the rows, each event once. None uses one thread per core."""

class ReportRows:
    """Rows of a report or statement."""

    @property
    def schema(self) -> ArrowSchema:
        """Names and types of the columns."""

    @property
    def context_json(self) -> str:
        """The context as JSON: report, title, period, coverage, excluded events and totals."""

    @property
    def remarks(self) -> list[str]:
        """Sentences on the result for people."""

    @property
    def failures(self) -> list[str]:
        """Messages of the conditions that hold."""

    def __len__(self) -> int: ...
    def render(self, format: str) -> bytes:
        """Returns the report in a format of the command line."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def event_schema(columns: Sequence[str] | None = None) -> ArrowSchema:
    """Returns the schema of events with some columns, or with all."""

def scan(
    paths: Sequence[str],
    columns: Sequence[str] | None,
    exclude: Sequence[str],
    all_workloads: bool,
    threads: int | None,
    source_name: str | None,
    progress: Progress | None,
) -> EventTable:
    """Reads the events of log files, each event once."""

def read_rows(
    path: str, source_name: str | None, all_workloads: bool, threads: int | None
) -> EventTable:
    """Reads all rows of a file with all columns, including duplicates."""

def report(words: Sequence[str]) -> ReportRows:
    """Runs a report or statement with the words of the command line."""

def reports() -> str:
    """Returns the list of reports as JSON."""

def ingest(
    folder: str,
    paths: Sequence[str],
    exclude: Sequence[str],
    threads: int | None,
    key_file: str | None,
    all_workloads: bool,
    reread: bool,
    allow_empty: bool,
    progress: Progress | None,
) -> str:
    """Ingests log files into a store, and returns the summary as JSON."""

def status(folder: str) -> str:
    """Returns the status of a store as JSON."""

def verify(folder: str, threads: int | None) -> str:
    """Checks all files of a store, and returns the result as JSON."""

def command(words: Sequence[str]) -> int:
    """Runs a command that writes a file, with the words of the command line."""

def run_command_line(words: Sequence[str], program: Sequence[str]) -> int:
    """Runs the command line and returns its exit code."""

def delete_temporary_files() -> None:
    """Deletes the temporary files of this process, at its end."""
