"""Accounts that pay for relatives (家庭共济): by consent, within limits, premiums too."""
