"""Filings that members and institutions hand in (备案): diseases, institutions, referrals."""
