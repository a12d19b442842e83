-- Departments, staff, mappings and filings of institutions.
SELECT;
