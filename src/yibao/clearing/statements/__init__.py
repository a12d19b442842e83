"""A month as the hospital is told it (月结算对账单)."""
