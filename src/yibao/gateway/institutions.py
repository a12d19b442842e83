"""The institution itself: 1201, departments 3401 to 3403 and 5101, staff 5102."""
