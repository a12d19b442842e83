"""Personal accounts and the family (个人账户、家庭共济): credits, events, who pays for whom."""
