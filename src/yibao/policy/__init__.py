"""The law as dated data, and the types that read it. Pure but for ``load``, which reads files."""
