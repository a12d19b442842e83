"""Orders of the mobile-payment centre (移动支付)."""
