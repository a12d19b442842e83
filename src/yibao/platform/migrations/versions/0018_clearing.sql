-- Review and payment of applications, advances, retention.

-- ---------------------------------------------------------------------------------------- bookings
-- What the families' accounts paid is claimed too; what goes to a person is no institution's booking.
CREATE OR REPLACE VIEW settlement.visible_booking WITH (security_barrier) AS
    SELECT booked.pool, booked.id, booked.kind, booked.mirrors, booked.visit, booked.institution,
        booked.member, booked.scheme, booked.care_kind, booked.care_division, booked.day,
        booked.settled_on, booked.message_id, booked.total, booked.in_scope, booked.funds,
        booked.account, booked.cash, booked.family, booked.hospital_part, booked.settled_at
    FROM settlement.settlement AS booked
    WHERE platform.may_see(booked.institution)
      AND booked.payee = 'institution'
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

-- An application belongs to the pool of the institution, whose bureau pays it.
ALTER TABLE settlement.clearing_application ADD COLUMN family bigint NOT NULL DEFAULT 0;
CREATE OR REPLACE VIEW settlement.visible_clearing_application WITH (security_barrier) AS
    SELECT * FROM settlement.clearing_application WHERE platform.may_see(institution);
COMMENT ON COLUMN settlement.clearing_application.state IS
    'applied → withdrawn, approved or refused; an approved month is closed to the institution';

-- ------------------------------------------------------------------------------------------- desk
CREATE SCHEMA clearing;
GRANT USAGE ON SCHEMA clearing TO yibao_writer, yibao_reader;

-- Who moves a pool's payables holds this row: balances are read, then paid, by one at a time.
CREATE TABLE clearing.desk (
    pool  text   NOT NULL PRIMARY KEY,
    moves bigint NOT NULL
);
COMMENT ON COLUMN clearing.desk.moves IS 'how often money was moved: what makes the row lockable';
GRANT SELECT, INSERT, UPDATE (moves) ON clearing.desk TO yibao_writer;

-- ----------------------------------------------------------------------------------------- review
-- What a bureau granted of an application: a fact, never changed.
CREATE TABLE clearing.review (
    pool           text        NOT NULL,
    application    bigint      NOT NULL,
    institution    text        NOT NULL,
    month          text        NOT NULL,
    clearing_class text        NOT NULL,
    claimed        bigint      NOT NULL,
    deducted       bigint      NOT NULL,
    withheld       bigint      NOT NULL CHECK (withheld >= 0),
    payable        bigint      NOT NULL,
    set_off        bigint      NOT NULL CHECK (set_off >= 0),
    retention_rate text        NOT NULL,
    reviewed_by    text        NOT NULL,
    reviewed_at    timestamptz NOT NULL,
    posting        bigint      NOT NULL,
    PRIMARY KEY (pool, application),
    CHECK (claimed = payable + withheld + deducted),
    CHECK (set_off = 0 OR set_off <= payable)
);
COMMENT ON TABLE clearing.review IS 'amounts in fen; payable is before an advance is set off';
CREATE INDEX review_institution ON clearing.review (institution, month);

CREATE TABLE clearing.deduction (
    pool        text     NOT NULL,
    application bigint   NOT NULL,
    line        smallint NOT NULL,
    institution text     NOT NULL,
    settlement  text,
    amount      bigint   NOT NULL CHECK (amount <> 0),
    reason      text     NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (pool, application, line),
    FOREIGN KEY (pool, application) REFERENCES clearing.review (pool, application)
);
COMMENT ON COLUMN clearing.deduction.settlement IS 'NULL: taken from the sum';
COMMENT ON COLUMN clearing.deduction.amount IS 'fen; negative: given back, the bill was cancelled';

-- Why an application was given back.
CREATE TABLE clearing.refusal (
    pool        text        NOT NULL,
    application bigint      NOT NULL,
    institution text        NOT NULL,
    reason      text        NOT NULL CHECK (reason <> ''),
    refused_by  text        NOT NULL,
    refused_at  timestamptz NOT NULL,
    PRIMARY KEY (pool, application)
);

-- --------------------------------------------------------------------------- advances and retention
CREATE TABLE clearing.advance (
    pool        text        NOT NULL,
    number      bigint      NOT NULL,
    institution text        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    reason      text        NOT NULL,
    granted_by  text        NOT NULL,
    granted_at  timestamptz NOT NULL,
    PRIMARY KEY (pool, number)
);
CREATE INDEX advance_institution ON clearing.advance (institution, number);

CREATE TABLE clearing.assessment (
    pool        text        NOT NULL,
    number      bigint      NOT NULL,
    institution text        NOT NULL,
    year        smallint    NOT NULL,
    withheld    bigint      NOT NULL CHECK (withheld > 0),
    released    bigint      NOT NULL CHECK (released >= 0),
    forfeited   bigint      NOT NULL CHECK (forfeited >= 0),
    reason      text        NOT NULL,
    assessed_by text        NOT NULL,
    assessed_at timestamptz NOT NULL,
    PRIMARY KEY (pool, number),
    CHECK (withheld = released + forfeited)
);
COMMENT ON TABLE clearing.assessment IS 'what was withheld of a year''s months and not assessed before';
CREATE INDEX assessment_institution ON clearing.assessment (institution, year);

-- --------------------------------------------------------------------------------------- payments
-- Where a payee wants its money; the newest row counts.
CREATE TABLE clearing.payee_account (
    pool           text        NOT NULL,
    number         bigint      NOT NULL,
    payee          text        NOT NULL,
    sealed_holder  bytea       NOT NULL,
    sealed_account bytea       NOT NULL,
    bank           text        NOT NULL,
    recorded_by    text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (pool, number)
);
COMMENT ON COLUMN clearing.payee_account.payee IS 'institution''s code or member''s number';
CREATE INDEX payee_account_payee ON clearing.payee_account (pool, payee, number DESC);

-- One file to a bank (拨付批次).
CREATE TABLE clearing.run (
    pool    text        NOT NULL,
    number  bigint      NOT NULL,
    bank    text        NOT NULL,
    count   integer     NOT NULL CHECK (count > 0),
    amount  bigint      NOT NULL CHECK (amount > 0),
    digest  bytea       NOT NULL,
    made_by text        NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (pool, number)
);
COMMENT ON COLUMN clearing.run.digest IS 'SM3 that the file''s last row carries';

CREATE TABLE clearing.payment (
    pool           text    NOT NULL,
    run            bigint  NOT NULL,
    line           integer NOT NULL CHECK (line > 0),
    payee          text    NOT NULL,
    institution    text,
    amount         bigint  NOT NULL CHECK (amount > 0),
    sealed_holder  bytea   NOT NULL,
    sealed_account bytea   NOT NULL,
    bank           text    NOT NULL,
    PRIMARY KEY (pool, run, line),
    UNIQUE (pool, run, payee),
    FOREIGN KEY (pool, run) REFERENCES clearing.run (pool, number)
);
COMMENT ON COLUMN clearing.payment.institution IS 'NULL: the payee is a person';
CREATE INDEX payment_institution ON clearing.payment (institution, run) WHERE institution IS NOT NULL;

-- What the bank answered of a line, once (回盘).
CREATE TABLE clearing.confirmation (
    pool         text        NOT NULL,
    run          bigint      NOT NULL,
    line         integer     NOT NULL,
    result       text        NOT NULL CHECK (result IN ('paid', 'rejected')),
    reason       text        NOT NULL,
    banked_on    date        NOT NULL,
    posting      bigint      NOT NULL,
    confirmed_by text        NOT NULL,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (pool, run, line),
    FOREIGN KEY (pool, run, line) REFERENCES clearing.payment (pool, run, line),
    CHECK (reason <> '' OR result = 'paid')
);

GRANT SELECT, INSERT ON clearing.review, clearing.deduction, clearing.refusal, clearing.advance,
    clearing.assessment, clearing.payee_account, clearing.run, clearing.payment, clearing.confirmation
    TO yibao_writer;

-- ------------------------------------------------------------------------------------------- sight
CREATE VIEW clearing.visible_review WITH (security_barrier) AS
    SELECT * FROM clearing.review WHERE platform.may_see(institution);
CREATE VIEW clearing.visible_deduction WITH (security_barrier) AS
    SELECT * FROM clearing.deduction WHERE platform.may_see(institution);
CREATE VIEW clearing.visible_refusal WITH (security_barrier) AS
    SELECT * FROM clearing.refusal WHERE platform.may_see(institution);
CREATE VIEW clearing.visible_advance WITH (security_barrier) AS
    SELECT * FROM clearing.advance WHERE platform.may_see(institution);
CREATE VIEW clearing.visible_assessment WITH (security_barrier) AS
    SELECT * FROM clearing.assessment WHERE platform.may_see(institution);
-- a person's payment has no institution: the bureau alone sees it
CREATE VIEW clearing.visible_payment WITH (security_barrier) AS
    SELECT payment.*, run.bank AS paying_bank, run.made_at, confirmation.result, confirmation.reason,
        confirmation.banked_on, confirmation.confirmed_at, confirmation.posting
    FROM clearing.payment AS payment
    JOIN clearing.run AS run ON run.pool = payment.pool AND run.number = payment.run
    LEFT JOIN clearing.confirmation AS confirmation
      ON confirmation.pool = payment.pool AND confirmation.run = payment.run
     AND confirmation.line = payment.line
    WHERE platform.may_see(coalesce(payment.institution, '*'));
CREATE VIEW clearing.visible_run WITH (security_barrier) AS
    SELECT * FROM clearing.run WHERE current_setting('yibao.institutions', true) = '*';
CREATE VIEW clearing.visible_payee_account WITH (security_barrier) AS
    SELECT * FROM clearing.payee_account WHERE current_setting('yibao.institutions', true) = '*';

GRANT SELECT ON clearing.visible_review, clearing.visible_deduction, clearing.visible_refusal,
    clearing.visible_advance, clearing.visible_assessment, clearing.visible_payment,
    clearing.visible_run, clearing.visible_payee_account TO yibao_writer, yibao_reader;

-- -------------------------------------------------------------------------------- balances to be paid
-- The few entries of what is owed, kept back, advanced and under way. An entry of a bill only pays for
-- being tried against it: about a microsecond by LIKE, five by a regular expression.
CREATE INDEX entry_owed ON ledger.entry (pool, account)
    WHERE account LIKE '%:payable' OR account LIKE '%:withheld' OR account LIKE '%:advanced'
        OR account LIKE '%:deducted' OR account LIKE 'person:%' OR account LIKE 'transit:%';
