"""Who holds how much: double entry, append-only, balanced per posting; accounts in parts."""
