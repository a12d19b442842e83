"""Why a month of bills cannot be put away yet."""
