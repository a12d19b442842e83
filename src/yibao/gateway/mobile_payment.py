"""The mobile-payment centre (移动支付): 6201 to 6401."""
