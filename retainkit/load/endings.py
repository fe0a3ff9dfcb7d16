"""What the names of files end in that the kit reads, or has to name: one list each, for reading, for `check`, and for
what a project keeps out of git.
"""

TEXTS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
BOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
READ = (".parquet", *TEXTS, *BOOKS, *LINES)
DATABASES = (".sqlite", ".sqlite3", ".db", ".duckdb", ".ddb")
PACKED = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz")
