"""Goods of pharmacies and hospitals with their traceability codes (进销存): 3501 to 3507."""
