"""Monthly clearing applications (清算申请)."""
