"""Which living bills a retroactive law or fact touches, and by how much; nothing is changed."""
