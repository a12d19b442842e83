"""Charge batches and fee lines (费用明细): uploaded and classified, withdrawn."""
