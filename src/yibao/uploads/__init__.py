"""What institutions hand in and read again: settlement lists, clinical records (清单、病历上传)."""
