-- Visits, charge batches, fee lines, settlements and accumulators; everything in the pool of insurance.
-- A visit, an unsettled batch and its lines are working state; settlements and accumulator entries are
-- facts: inserted, never changed.

CREATE TABLE settlement.visit (
    pool              text        NOT NULL,
    id                bigint      NOT NULL,
    institution       text        NOT NULL,
    member            text        NOT NULL,
    scheme            text        NOT NULL,
    state             text        NOT NULL CHECK (state IN ('open', 'cancelled')),
    begin_at          timestamptz NOT NULL,
    voucher_type      text        NOT NULL,
    outpatient_number text        NOT NULL,
    doctor_code       text        NOT NULL,
    doctor_name       text        NOT NULL,
    department_code   text        NOT NULL,
    department_name   text        NOT NULL,
    speciality        text        NOT NULL,
    care_kind         text,
    condition         text,
    disease_code      text,
    disease_name      text,
    diagnoses         jsonb       NOT NULL,
    maternity         jsonb       NOT NULL,
    PRIMARY KEY (pool, id)
);
-- a member's number begins with the pool, so these indexes need no column for it
CREATE INDEX visit_member ON settlement.visit (member, begin_at);

CREATE TABLE settlement.charge_batch (
    pool              text   NOT NULL,
    id                bigint NOT NULL,
    visit             bigint NOT NULL,
    label             text   NOT NULL,
    institution       text   NOT NULL,
    withdrawn         boolean NOT NULL,
    line_count        integer NOT NULL,
    buckets           jsonb  NOT NULL,
    basis             jsonb  NOT NULL,
    living_settlement bigint,
    PRIMARY KEY (pool, id),
    FOREIGN KEY (pool, visit) REFERENCES settlement.visit (pool, id)
);
COMMENT ON COLUMN settlement.charge_batch.label IS 'the hospital''s number of the batch (chrg_bchno)';
COMMENT ON COLUMN settlement.charge_batch.buckets IS
    'sums in fen by benefit bucket: [total, own, over limit, first pay, in scope]';
COMMENT ON COLUMN settlement.charge_batch.basis IS 'what the classification of the lines depended on';
COMMENT ON COLUMN settlement.charge_batch.living_settlement IS
    'the one slot for a living settlement: a batch cannot be settled twice';
-- one batch of a label that is not withdrawn
CREATE UNIQUE INDEX charge_batch_label ON settlement.charge_batch (pool, visit, label) WHERE NOT withdrawn;

CREATE TABLE settlement.fee_line (
    pool             text        NOT NULL,
    batch            bigint      NOT NULL,
    line             integer     NOT NULL,
    serial           text        NOT NULL,
    item             text        NOT NULL,
    institution_item text        NOT NULL,
    amount           bigint      NOT NULL,
    price            bigint      NOT NULL,
    quantity         bigint      NOT NULL,
    charged_at       timestamptz NOT NULL,
    approval         text        NOT NULL,
    item_class       text        NOT NULL,
    first_pay_rate   integer     NOT NULL,
    ceiling          bigint      NOT NULL,
    restricted       boolean     NOT NULL,
    bucket           text        NOT NULL,
    own              bigint      NOT NULL,
    over_limit       bigint      NOT NULL,
    first_pay        bigint      NOT NULL,
    in_scope         bigint      NOT NULL,
    details          jsonb       NOT NULL,
    PRIMARY KEY (pool, batch, line),
    CHECK (amount = own + over_limit + first_pay + in_scope)
);
COMMENT ON TABLE settlement.fee_line IS
    'amounts in fen, price in 1/1,000,000 yuan, quantity and first_pay_rate in 1/10,000';

CREATE TABLE settlement.settlement (
    pool              text        NOT NULL,
    id                bigint      NOT NULL,
    kind              text        NOT NULL CHECK (kind IN ('settlement', 'cancellation', 'reinstatement')),
    mirrors           bigint,
    visit             bigint      NOT NULL,
    batch             bigint      NOT NULL,
    institution       text        NOT NULL,
    member            text        NOT NULL,
    origin            text        NOT NULL CHECK (origin IN ('institution', 'manual', 'supplement', 'correction')),
    payee             text        NOT NULL CHECK (payee IN ('institution', 'person')),
    scheme            text        NOT NULL,
    care_kind         text        NOT NULL,
    person_type       text        NOT NULL,
    civil_servant     boolean     NOT NULL,
    level             text        NOT NULL,
    insured_division  text        NOT NULL,
    care_division     text        NOT NULL,
    voucher_type      text        NOT NULL,
    day               date        NOT NULL,
    settled_at        timestamptz NOT NULL,
    settled_on        date        NOT NULL,
    message_id        text        NOT NULL,
    invoice           text,
    total             bigint      NOT NULL,
    own               bigint      NOT NULL,
    over_limit        bigint      NOT NULL,
    first_pay         bigint      NOT NULL,
    in_scope          bigint      NOT NULL,
    deductible        bigint      NOT NULL,
    funds             bigint      NOT NULL,
    personal          bigint      NOT NULL,
    account           bigint      NOT NULL,
    family            bigint      NOT NULL,
    cash              bigint      NOT NULL,
    hospital_part     bigint      NOT NULL,
    balance           bigint      NOT NULL,
    payments          jsonb       NOT NULL,
    law               bytea       NOT NULL,
    snapshot          jsonb       NOT NULL,
    PRIMARY KEY (pool, id),
    FOREIGN KEY (pool, batch) REFERENCES settlement.charge_batch (pool, id),
    CHECK (total = own + over_limit + first_pay + in_scope),
    CHECK (total = funds + personal + hospital_part),
    CHECK (personal = account + family + cash)
);
COMMENT ON TABLE settlement.settlement IS
    'facts, amounts in fen; a cancellation is a new row with every amount of the original negated, a
reinstatement (a cancellation that was reversed) a new row with the original''s amounts';
COMMENT ON COLUMN settlement.settlement.mirrors IS 'the original that a cancellation or reinstatement repeats';
CREATE INDEX settlement_member ON settlement.settlement (member, id);
CREATE INDEX settlement_institution_day ON settlement.settlement (institution, settled_on);
CREATE INDEX settlement_mirror ON settlement.settlement (pool, mirrors) WHERE mirrors IS NOT NULL;

-- A later bill that depended on one that was cancelled out of order.
CREATE TABLE settlement.resettlement_flag (
    pool       text        NOT NULL,
    settlement bigint      NOT NULL,
    cause      bigint      NOT NULL,
    flagged_at timestamptz NOT NULL,
    PRIMARY KEY (pool, settlement, cause)
);
COMMENT ON COLUMN settlement.resettlement_flag.cause IS 'the cancellation (or reinstatement) that moved its counters';

CREATE TABLE settlement.accumulator (
    pool    text   NOT NULL,
    member  text   NOT NULL,
    counter text   NOT NULL,
    scope   text   NOT NULL,
    amount  bigint NOT NULL,
    PRIMARY KEY (pool, member, counter, scope)
);

CREATE TABLE settlement.accumulator_entry (
    pool       text   NOT NULL,
    settlement bigint NOT NULL,
    counter    text   NOT NULL,
    scope      text   NOT NULL,
    member     text   NOT NULL,
    kind       text   NOT NULL CHECK (kind IN ('settlement', 'cancellation', 'brought_in', 'correction')),
    delta      bigint NOT NULL CHECK (delta <> 0),
    PRIMARY KEY (pool, settlement, counter, scope)
);

-- The law a settlement was decided by, kept for good: the fingerprint on the bill finds its text again.
CREATE TABLE settlement.law_text (
    fingerprint bytea NOT NULL PRIMARY KEY,
    area        text  NOT NULL,
    scheme      text  NOT NULL,
    text        text  NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON settlement.visit, settlement.charge_batch TO yibao_writer;
GRANT SELECT, INSERT ON settlement.fee_line TO yibao_writer;
GRANT UPDATE (item_class, first_pay_rate, ceiling, restricted, bucket, own, over_limit, first_pay, in_scope)
    ON settlement.fee_line TO yibao_writer;
GRANT SELECT, INSERT ON settlement.settlement, settlement.accumulator_entry,
    settlement.resettlement_flag, settlement.law_text TO yibao_writer;
GRANT SELECT, INSERT, UPDATE ON settlement.accumulator TO yibao_writer;

-- Readers see their own institutions' rows, through these views alone; '*' is the bureau's sight.
-- Views instead of policies on the tables: PostgreSQL refuses COPY into a table under row-level security.
CREATE VIEW settlement.visible_visit WITH (security_barrier) AS
    SELECT * FROM settlement.visit WHERE platform.may_see(institution);
CREATE VIEW settlement.visible_batch WITH (security_barrier) AS
    SELECT * FROM settlement.charge_batch WHERE platform.may_see(institution);
CREATE VIEW settlement.visible_line WITH (security_barrier) AS
    SELECT line.*, batch.visit, batch.label, batch.withdrawn, batch.living_settlement, batch.institution
    FROM settlement.fee_line AS line
    JOIN settlement.charge_batch AS batch ON batch.pool = line.pool AND batch.id = line.batch
    WHERE platform.may_see(batch.institution);
CREATE VIEW settlement.visible_settlement WITH (security_barrier) AS
    SELECT settlement.*, batch.label AS batch_label,
        CASE WHEN settlement.kind = 'settlement'
              AND batch.living_settlement IS DISTINCT FROM settlement.id
             THEN (SELECT max(mirror.id) FROM settlement.settlement AS mirror
                   WHERE mirror.pool = settlement.pool AND mirror.mirrors = settlement.id
                     AND mirror.kind = 'cancellation') END AS cancelled_by,
        EXISTS (SELECT FROM settlement.resettlement_flag AS flag
                WHERE flag.pool = settlement.pool AND flag.settlement = settlement.id) AS flagged
    FROM settlement.settlement AS settlement
    JOIN settlement.charge_batch AS batch ON batch.pool = settlement.pool AND batch.id = settlement.batch
    WHERE platform.may_see(settlement.institution);

GRANT SELECT ON settlement.visible_visit, settlement.visible_batch, settlement.visible_line,
    settlement.visible_settlement TO yibao_writer, yibao_reader;
GRANT SELECT ON settlement.accumulator, settlement.accumulator_entry, settlement.law_text,
    settlement.resettlement_flag TO yibao_reader;
