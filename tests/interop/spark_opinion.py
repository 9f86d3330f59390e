#!/usr/bin/env python3
"""Has every report answered by Spark as well, and holds the rows against the program's own.

The program writes its views and the statement in Spark's words (`--show-sql spark`); Spark reads
the store's files itself, in workers that are processes of their own. Each report is asked with
nothing said, as Spark 4 is set up, and in one of the other ways as Spark 3 was, with ANSI mode off.
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

# The zone of the cluster, which must not matter: a script says that it means UTC.
ZONE = "Asia/Tokyo"


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """A session of PySpark as it comes from PyPI."""
    # Spark's scripts for workers need to know where it is; with local[n] they are not needed.
    home = Path(pyspark.__file__).parent
    os.environ["SPARK_HOME"] = str(home)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Times are handed to Python on the clocks of this process.
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-spark-") as folder:
        settings = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.local.dir": folder,
            # The answers are small: to make code for each, and to plan again on the way, costs
            # several times what it saves.
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
            # Workers leave their logs in Spark's own folder.
            shutil.rmtree(home / "work" / application, ignore_errors=True)


def run(spark: SparkSession, script: str) -> DataFrame:
    """The answer of a script: its last statement's."""
    answers = [spark.sql(statement) for statement in script.split(";\n") if statement.strip()]
    return answers[-1]


class Answers:
    """Spark as an engine that takes turns between its two ways of reckoning."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.turn = 0

    def answer(self, script: str) -> tuple[list[str], list[list[object]]]:
        """The columns and rows of Spark's answer."""
        self.spark.conf.set("spark.sql.session.timeZone", ZONE)
        self.spark.conf.set("spark.sql.ansi.enabled", self.turn % 2 == 0)
        self.turn += 1
        frame = run(self.spark, script)
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
        others = opinion.ASKED[1:]
        asked = {
            name: [[], others[place % len(others)], *opinion.OWN.get(name, [])]
            for place, name in enumerate(names)
        }
        if arguments.every:
            asked = {name: opinion.ASKED + opinion.OWN.get(name, []) for name in names}
        answer = Answers(spark).answer
        engine = opinion.Engine("Spark", spark.version, "spark", answer, PySparkException)
        return opinion.ask(engine, program, asked, arguments.rows)


if __name__ == "__main__":
    sys.exit(main())
