"""The law on columns (NumPy): many bills at once, to the fen what ``benefit`` decides of each."""

from yibao.adjudication.columns.decide import decide_columns, unsupported

__all__ = ["decide_columns", "unsupported"]
