"""Code tables of the interface (字典): values, labels and how sure we are of them."""
