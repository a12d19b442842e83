"""The archive (归档): cold months leave PostgreSQL as Parquet, and come back when asked for."""
