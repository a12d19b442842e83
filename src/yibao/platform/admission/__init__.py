"""Who is let in when more comes than can be done."""
