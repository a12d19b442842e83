"""What laws turn on beside enrolment: traits of a member, filings for care away from home."""
