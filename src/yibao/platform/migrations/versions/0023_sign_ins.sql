-- From where clerks tried to sign in: wrong keys cost the address that they came from.
ALTER TABLE bureau.sign_in ADD COLUMN address text NOT NULL DEFAULT '';
COMMENT ON COLUMN bureau.sign_in.address IS
    'where the try came from; desk: the command line; empty: tried before addresses were kept';
COMMENT ON TABLE bureau.sign_in IS
    'every try to sign in; failures in a row from one address lock the clerk out there for a time';
CREATE INDEX sign_in_address ON bureau.sign_in (clerk, address, tried_at DESC);
CREATE INDEX sign_in_day ON bureau.sign_in (tried_at);
