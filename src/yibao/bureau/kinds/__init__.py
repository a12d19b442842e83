"""The kinds of business that clerks do; a file a subject, each with its ``KINDS``."""
