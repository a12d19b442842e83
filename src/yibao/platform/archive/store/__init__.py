"""SQL of the archive: of the tables that are put away, and of what is known of the files."""
