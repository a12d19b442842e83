"""The clerks (经办人员) themselves: who works here, and signing in with a personal key."""
