-- Those let in by the open door of a sandbox bring the numbers and codes of another platform.

-- A guest's number need not begin with the pool, so it is looked up without one.
ALTER TABLE registry.membership DROP CONSTRAINT membership_check;
CREATE INDEX membership_number ON registry.membership (number) WHERE superseded_at IS NULL;

-- No comma and no asterisk: a reader's sight is a list of codes, and * is the bureau's.
ALTER TABLE registry.institution DROP CONSTRAINT institution_code_check;
ALTER TABLE registry.institution ADD CONSTRAINT institution_code_check
    CHECK (code ~ '^[0-9A-Za-z._-]{1,30}$');
