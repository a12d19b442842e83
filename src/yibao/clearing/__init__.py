"""What funds owe institutions and how it is paid (清算): review, payment, statements."""
