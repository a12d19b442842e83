"""Settlement lists (医疗保障基金结算清单): a stay's list, checked against its settlement."""
