"""What bills have added up to for a person (个人累计), and each entry of it."""
