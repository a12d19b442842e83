"""Two files of one human made one, and documents that were exchanged."""
