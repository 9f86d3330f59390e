#!/usr/bin/env python3
"""Runs every report in Spark too and compares the rows with those of the program.

The program writes its views and the statement in the SQL of Spark (`--show-sql spark`); Spark
reads the store's files itself, in workers that are separate processes. Each report runs without
parameters in the default settings of Spark 4, and with one of the other sets of parameters in those
of Spark 3, with ANSI mode off.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import TimestampType

import opinion
from kept_views import KeptViews

# Time zone of the cluster, which must have no effect, because scripts set UTC.
ZONE = "Asia/Tokyo"


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """Returns a session of PySpark from PyPI."""
    # The scripts for workers need the path of Spark; local[n] does not use them.
    home = Path(pyspark.__file__).parent
    os.environ["SPARK_HOME"] = str(home)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Times are passed to Python in the time zone of this process.
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-spark-") as folder:
        settings = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.local.dir": folder,
            # The results are small: code generation and adaptive planning cost several times
            # what they save.
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.files.openCostInBytes": "0",
            "spark.sql.session.timeZone": ZONE,
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": folder,
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }
        builder = SparkSession.builder.master(master)
        for key, value in settings.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        application = spark.sparkContext.applicationId
        try:
            yield spark
        finally:
            spark.stop()
            # Workers write their logs into the folder of Spark.
            shutil.rmtree(home / "work" / application, ignore_errors=True)


class Answers:
    """Spark as an engine that alternates between ANSI mode on and off.

    The first script runs as it is, the others with views that are kept as tables in the workers.
    """

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.turn = 0
        self.tables: dict[str, DataFrame] = {}
        self.views = KeptViews(spark.sql, self.keep, self.point)

    def keep(self, name: str, table: str) -> None:
        self.tables[table] = self.spark.table(name).localCheckpoint()

    def point(self, name: str, table: str) -> None:
        self.tables[table].createOrReplaceTempView(name)

    def answer(self, script: str) -> tuple[list[str], list[list[object]]]:
        """Returns the columns and rows of the result."""
        ansi = self.turn % 2 == 0
        self.turn += 1
        self.spark.conf.set("spark.sql.session.timeZone", ZONE)
        self.spark.conf.set("spark.sql.ansi.enabled", ansi)
        statements = [statement for statement in script.split(";\n") if statement.strip()]
        if self.turn > 1:
            # The script begins with the time zone, on which its views may depend.
            self.spark.sql(statements[0])
            statements = self.views.remaining(statements, f"ansi {ansi}")
        frame = [self.spark.sql(statement) for statement in statements][-1]
        instants = [isinstance(of.dataType, TimestampType) for of in frame.schema]
        rows = [
            [
                value.astimezone() if is_instant and value is not None else value
                for value, is_instant in zip(row, instants)
            ]
            for row in frame.collect()
        ]
        return frame.columns, rows


def main() -> int:
    parser = opinion.arguments(__doc__)
    parser.add_argument("--every", action="store_true", help="in every way that DuckDB is asked")
    parser.add_argument("--master", default="local-cluster[2,1,1024]", help="where Spark runs")
    arguments = parser.parse_args()
    with opinion.filled(arguments) as program, session(arguments.master) as spark:
        print(f"PySpark {spark.version}, {spark.sparkContext.master}", flush=True)
        names = [name for name in program.reports() if arguments.only in (None, name)]
        asked = {name: opinion.flags_of(name) for name in names}
        if not arguments.every:
            for place, (name, flags) in enumerate(asked.items()):
                own = len(opinion.OWN.get(name, []))
                shared = flags[1 : len(flags) - own]
                asked[name] = [[], shared[place % len(shared)], *flags[len(flags) - own :]]
        answer = Answers(spark).answer
        engine = opinion.Engine("Spark", spark.version, "spark", answer, PySparkException)
        return opinion.ask(engine, program, asked, arguments.rows)


if __name__ == "__main__":
    sys.exit(main())
