"""SQL of the sandbox: what its processes share in a file, and the seeded state of its world."""
