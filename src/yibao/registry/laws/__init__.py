"""Laws in force: kept texts, releases by two persons, the pointer that counts on a day."""
