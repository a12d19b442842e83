"""Manual reimbursement (零星报销): a paper bill that a person paid, settled with the person."""
