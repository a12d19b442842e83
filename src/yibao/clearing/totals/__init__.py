"""What an institution's settlements come to, by day, scheme and clearing class (清算合计)."""
