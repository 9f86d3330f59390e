"""Rows as data frames of other packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._typing import ArrowRows

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Frames:
    """Rows with the Arrow PyCapsule interface, which most data packages read directly."""

    def _rows(self) -> ArrowRows:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Returns the rows as a stream of Arrow batches."""
        return self._rows().__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> pyarrow.Table:
        """Returns the rows as a table of PyArrow."""
        import pyarrow

        return pyarrow.table(self)

    def to_pandas(self) -> pandas.DataFrame:
        """Returns the rows as a data frame of pandas, which needs PyArrow."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """Returns the rows as a data frame of Polars."""
        import polars

        return polars.DataFrame(self)
