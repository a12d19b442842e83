"""What a bureau grants of an application (清算审核)."""
