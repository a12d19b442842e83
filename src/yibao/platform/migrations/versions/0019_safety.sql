-- Who saw which person; cards whose keyed hashes can be made anew; what readers need not see.
CREATE SCHEMA safety;
GRANT USAGE ON SCHEMA safety TO yibao_writer, yibao_reader;

-- ----------------------------------------------------------------------------------------- sightings
-- One row for each person that somebody saw, or asked for in vain: facts, in a chain per writer.
CREATE TABLE safety.access (
    pool     text        NOT NULL,
    writer   smallint    NOT NULL,
    number   bigint      NOT NULL,
    block    bigint      NOT NULL,
    seen_at  timestamptz NOT NULL,
    kind     text        NOT NULL CHECK (kind IN ('institution', 'clerk', 'person', 'app', 'console')),
    who      text        NOT NULL,
    operator text        NOT NULL,
    purpose  text        NOT NULL,
    identity bigint,
    member   text,
    found    boolean     NOT NULL,
    PRIMARY KEY (pool, writer, number)
);
COMMENT ON TABLE safety.access IS 'who saw which person (查阅记录)';
COMMENT ON COLUMN safety.access.pool IS 'the pool of member; 000000 where only the human is known';
COMMENT ON COLUMN safety.access.operator IS 'on whose behalf, as the sender says (opter)';
COMMENT ON COLUMN safety.access.purpose IS 'transaction, route or command';
COMMENT ON COLUMN safety.access.identity IS 'pseudonym of the human; NULL: nobody was found';
CREATE INDEX access_chain ON safety.access (writer, number);
CREATE INDEX access_identity ON safety.access (identity, seen_at) WHERE identity IS NOT NULL;
CREATE INDEX access_member ON safety.access (member, seen_at) WHERE member IS NOT NULL;
CREATE INDEX access_who ON safety.access (who, seen_at);

-- What was written together. link = SM3 over the link before it and the rows; sealed holds the same
-- under the vault's key, so that nobody who only has the database can make a new chain.
CREATE TABLE safety.access_block (
    writer     smallint    NOT NULL,
    block      bigint      NOT NULL,
    first      bigint      NOT NULL,
    last       bigint      NOT NULL CHECK (last >= first),
    before     bytea       NOT NULL,
    link       bytea       NOT NULL,
    sealed     bytea       NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (writer, block)
);
CREATE INDEX access_block_age ON safety.access_block (written_at);
COMMENT ON COLUMN safety.access_block.before IS 'link of the block before it';
COMMENT ON COLUMN safety.access_block.sealed IS 'sealed JSON: writer, block, first, last, before, link';

-- The last block that was removed because its time was over, sealed for the same reason.
CREATE TABLE safety.access_removal (
    writer     smallint    NOT NULL,
    block      bigint      NOT NULL,
    sealed     bytea       NOT NULL,
    removed_at timestamptz NOT NULL,
    PRIMARY KEY (writer, block)
);

GRANT SELECT, INSERT ON safety.access, safety.access_block TO yibao_writer;
GRANT SELECT ON safety.access_removal TO yibao_writer;

-- --------------------------------------------------------------------------------------------- cards
ALTER TABLE registry.card ADD COLUMN sealed bytea;
COMMENT ON COLUMN registry.card.sealed IS
    'encrypted JSON array: number, identification code; NULL: issued before keys could change';

-- ------------------------------------------------------------------------------------------- readers
-- Readers see an institution's rows through views alone (docs/decisions/0001). What had been granted
-- too widely: messages and outbox (nobody reads them as a reader), tokens and sign-ins (those of the
-- institutions in sight), senders and their keys (for the door, which sees all or nothing).
CREATE FUNCTION platform.sees_all() RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(current_setting('yibao.institutions', true) = '*', false);

CREATE VIEW registry.visible_token WITH (security_barrier) AS
    SELECT token.token_key, token.institution, shown.identity, token.expires_at
    FROM registry.credential_token AS token
    JOIN registry.credential_code AS shown ON shown.code_key = token.code_key
    WHERE platform.may_see(token.institution);
CREATE VIEW registry.visible_sign_in WITH (security_barrier) AS
    SELECT * FROM registry.sign_in WHERE platform.may_see(institution);
CREATE VIEW registry.visible_sender WITH (security_barrier) AS
    SELECT * FROM registry.sender WHERE platform.sees_all();
CREATE VIEW registry.visible_sender_institution WITH (security_barrier) AS
    SELECT * FROM registry.sender_institution WHERE platform.sees_all();
CREATE VIEW registry.visible_sender_key WITH (security_barrier) AS
    SELECT * FROM registry.sender_key WHERE platform.sees_all();
CREATE VIEW safety.visible_access WITH (security_barrier) AS
    SELECT * FROM safety.access WHERE platform.sees_all();
CREATE VIEW safety.visible_access_block WITH (security_barrier) AS
    SELECT * FROM safety.access_block WHERE platform.sees_all();
CREATE VIEW safety.visible_access_removal WITH (security_barrier) AS
    SELECT * FROM safety.access_removal WHERE platform.sees_all();

REVOKE SELECT ON platform.message, platform.outbox, platform.outbox_cursor,
    registry.credential_token, registry.sign_in, registry.sender, registry.sender_institution,
    registry.sender_key FROM yibao_reader;
GRANT SELECT ON registry.visible_token, registry.visible_sign_in, registry.visible_sender,
    registry.visible_sender_institution, registry.visible_sender_key, safety.visible_access,
    safety.visible_access_block, safety.visible_access_removal TO yibao_writer, yibao_reader;
