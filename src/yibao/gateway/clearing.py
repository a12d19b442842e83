"""Monthly clearing applications (清算申请): 3203, 3204."""
