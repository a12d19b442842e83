"""What institutions hand in as it is: one document a message and record, sealed (资料上传)."""
