"""Settlement lists (医疗保障基金结算清单): 4101 to 4105."""
