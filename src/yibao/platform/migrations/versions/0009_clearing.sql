-- Files, reconciliation and clearing applications; catalogue lists that nobody keeps in memory.

-- ------------------------------------------------------------------------------------------- files
-- What institutions send (9101) and what is made for them (3202). A file is removed after it expires.
CREATE TABLE platform.file (
    pool        text        NOT NULL,
    number      bigint      NOT NULL,
    institution text        NOT NULL,
    name        text        NOT NULL,
    sealed      bytea       NOT NULL,
    stored_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > stored_at),
    PRIMARY KEY (pool, number)
);
COMMENT ON COLUMN platform.file.sealed IS 'encrypted content: a file may name people';
ALTER TABLE platform.file ALTER COLUMN sealed SET STORAGE EXTERNAL; -- what is encrypted does not shrink
CREATE INDEX file_expiry ON platform.file (expires_at);

CREATE VIEW platform.visible_file WITH (security_barrier) AS
    SELECT * FROM platform.file WHERE platform.may_see(institution);

GRANT SELECT, INSERT ON platform.file TO yibao_writer;
GRANT SELECT ON platform.visible_file TO yibao_writer, yibao_reader;

-- ---------------------------------------------------------------------------------- reconciliation
-- Settlements as both sides book them. What a reversal (2601) undid never came into the hospital's
-- books, so neither it nor its undoing counts. A mirror names the original, whatever it undoes.
CREATE VIEW settlement.visible_booking WITH (security_barrier) AS
    SELECT booked.pool, booked.id, booked.kind, booked.mirrors, booked.visit, booked.institution,
        booked.member, booked.scheme, booked.care_kind, booked.care_division, booked.day,
        booked.settled_on, booked.message_id, booked.total, booked.in_scope, booked.funds,
        booked.account, booked.cash
    FROM settlement.settlement AS booked
    WHERE platform.may_see(booked.institution)
      AND (booked.kind = 'settlement' OR NOT EXISTS (
          SELECT FROM platform.message AS reversal
          WHERE reversal.pool = booked.pool AND reversal.institution = booked.institution
            AND reversal.transaction = '2601' AND reversal.message_id = booked.message_id))
      AND NOT EXISTS (
          SELECT FROM settlement.settlement AS undoing
          JOIN platform.message AS reversal
            ON reversal.pool = undoing.pool AND reversal.institution = undoing.institution
           AND reversal.transaction = '2601' AND reversal.message_id = undoing.message_id
          WHERE undoing.pool = booked.pool AND undoing.mirrors = coalesce(booked.mirrors, booked.id)
            AND undoing.id > booked.id
            AND undoing.kind = CASE booked.kind WHEN 'cancellation' THEN 'reinstatement'
                                                ELSE 'cancellation' END);
GRANT SELECT ON settlement.visible_booking TO yibao_writer, yibao_reader;

-- One row for each comparison of an institution's figures with ours: a fact, never changed.
CREATE TABLE settlement.statement (
    pool           text        NOT NULL,
    number         bigint      NOT NULL,
    institution    text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('totals', 'lines')),
    scheme         text,
    clearing_class text,
    office         text        NOT NULL,
    first_day      date        NOT NULL,
    last_day       date        NOT NULL CHECK (last_day >= first_day),
    with_refunds   boolean     NOT NULL,
    theirs         jsonb       NOT NULL,
    ours           jsonb       NOT NULL,
    result         text        NOT NULL,
    description    text        NOT NULL,
    answer         bigint,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (pool, number)
);
COMMENT ON TABLE settlement.statement IS 'NULL scheme, clearing_class: all of them; figures in fen';
COMMENT ON COLUMN settlement.statement.answer IS 'file (platform.file) that tells the result of each line';
CREATE INDEX statement_institution ON settlement.statement (institution, last_day);

CREATE VIEW settlement.visible_statement WITH (security_barrier) AS
    SELECT * FROM settlement.statement WHERE platform.may_see(institution);

GRANT SELECT, INSERT ON settlement.statement TO yibao_writer;
GRANT SELECT ON settlement.visible_statement TO yibao_writer, yibao_reader;

-- ---------------------------------------------------------------------------------------- clearing
-- An institution's application to be paid what the funds owe it for a month.
CREATE TABLE settlement.clearing_application (
    pool           text        NOT NULL,
    number         bigint      NOT NULL,
    institution    text        NOT NULL,
    clearing_class text        NOT NULL,
    way            text,
    month          text        NOT NULL,
    first_day      date        NOT NULL,
    last_day       date        NOT NULL CHECK (last_day >= first_day),
    visits         bigint      NOT NULL,
    total          bigint      NOT NULL,
    in_scope       bigint      NOT NULL,
    funds          bigint      NOT NULL,
    account        bigint      NOT NULL,
    cash           bigint      NOT NULL,
    state          text        NOT NULL CHECK (state IN ('applied', 'withdrawn', 'approved', 'refused')),
    applied_at     timestamptz NOT NULL,
    withdrawn_at   timestamptz CHECK ((withdrawn_at IS NOT NULL) = (state = 'withdrawn')),
    PRIMARY KEY (pool, number)
);
COMMENT ON TABLE settlement.clearing_application IS 'amounts in fen, as applied for and as settled';
CREATE UNIQUE INDEX clearing_application_standing
    ON settlement.clearing_application (pool, institution, clearing_class, month)
    WHERE state IN ('applied', 'approved');
CREATE INDEX clearing_application_institution ON settlement.clearing_application (institution, month);

CREATE VIEW settlement.visible_clearing_application WITH (security_barrier) AS
    SELECT * FROM settlement.clearing_application WHERE platform.may_see(institution);

GRANT SELECT, INSERT ON settlement.clearing_application TO yibao_writer;
GRANT UPDATE (state, withdrawn_at) ON settlement.clearing_application TO yibao_writer;
GRANT SELECT ON settlement.visible_clearing_application TO yibao_writer, yibao_reader;

-- --------------------------------------------------------------------------------------- catalogue
-- Code lists that are looked up and downloaded, and too long to sit in every process's memory.
CREATE TABLE registry.list_entry (
    row_id        bigint      NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    code          text        NOT NULL,
    list          text        NOT NULL,
    name          text        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    superseded_at timestamptz
);
COMMENT ON COLUMN registry.list_entry.list IS 'procedure, case_group';
CREATE UNIQUE INDEX list_entry_current ON registry.list_entry (list, code) WHERE superseded_at IS NULL;

GRANT SELECT ON registry.list_entry TO yibao_writer, yibao_reader;
GRANT INSERT, UPDATE (superseded_at) ON registry.list_entry TO yibao_writer;
