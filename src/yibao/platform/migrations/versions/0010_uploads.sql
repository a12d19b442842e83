-- Settlement lists, clinical records and audit results. Rows are facts: inserted, never changed. What
-- identifies a person is sealed with the vault's key; expires_on says until when a row is needed.
CREATE SCHEMA uploads;
CREATE SCHEMA supervision;
GRANT USAGE ON SCHEMA uploads, supervision TO yibao_writer, yibao_reader;

-- One message's content; a later one about the same record stands for it.
CREATE TABLE uploads.document (
    pool        text        NOT NULL,
    id          bigint      NOT NULL,
    institution text        NOT NULL,
    transaction text        NOT NULL,
    record      bytea       NOT NULL,
    visit       bigint,
    own_visit   bytea,
    content     bytea       NOT NULL,
    received_at timestamptz NOT NULL,
    expires_on  date        NOT NULL,
    PRIMARY KEY (pool, id)
);
COMMENT ON COLUMN uploads.document.record IS
    'keyed hash of what the document is about: two with one record are versions of one document';
COMMENT ON COLUMN uploads.document.visit IS 'the platform''s visit (mdtrt_id), where the sender named one';
COMMENT ON COLUMN uploads.document.own_visit IS 'keyed hash of the institution''s own number of the visit';
COMMENT ON COLUMN uploads.document.content IS 'sealed JSON: the nodes as sent';
CREATE INDEX document_visit ON uploads.document (pool, visit, id) WHERE visit IS NOT NULL;
CREATE INDEX document_own_visit ON uploads.document (institution, own_visit, id) WHERE own_visit IS NOT NULL;
CREATE INDEX document_expiry ON uploads.document (expires_on);

-- A settlement list in one of its versions: every upload and every change of state adds one.
CREATE TABLE uploads.settlement_list (
    pool        text        NOT NULL,
    settlement  bigint      NOT NULL,
    version     integer     NOT NULL CHECK (version > 0),
    id          bigint      NOT NULL,
    institution text        NOT NULL,
    member      text        NOT NULL,
    settled_on  date        NOT NULL,
    care_kind   text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('open', 'submitted')),
    document    bigint      NOT NULL,
    findings    jsonb       NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (pool, settlement, version),
    FOREIGN KEY (pool, settlement) REFERENCES settlement.settlement (pool, id),
    FOREIGN KEY (pool, document) REFERENCES uploads.document (pool, id)
);
COMMENT ON COLUMN uploads.settlement_list.id IS 'number of the list (setl_list_id), the same in all its versions';
COMMENT ON COLUMN uploads.settlement_list.findings IS 'quality findings: [code, level, field, text]';
CREATE INDEX settlement_list_institution ON uploads.settlement_list (institution, settled_on);

GRANT SELECT, INSERT ON uploads.document, uploads.settlement_list TO yibao_writer;

CREATE TABLE supervision.audit (
    pool          text        NOT NULL,
    id            bigint      NOT NULL,
    institution   text        NOT NULL,
    stage         text        NOT NULL CHECK (stage IN ('before', 'during', 'after')),
    scene         text        NOT NULL,
    task          text        NOT NULL,
    visit_count   integer     NOT NULL,
    line_count    integer     NOT NULL,
    rules_version text        NOT NULL,
    audited_at    timestamptz NOT NULL,
    PRIMARY KEY (pool, id)
);
COMMENT ON TABLE supervision.audit IS 'one call of 3101 or 3102, with or without findings';

CREATE TABLE supervision.finding (
    pool          text   NOT NULL,
    id            bigint NOT NULL,
    audit         bigint NOT NULL,
    institution   text   NOT NULL,
    rule          text   NOT NULL,
    certainty     text   NOT NULL CHECK (certainty IN ('clear', 'suspect')),
    stage         text   NOT NULL CHECK (stage IN ('before', 'during', 'after')),
    action        text   NOT NULL CHECK (action IN ('remind', 'deduct', 'clue')),
    amount        bigint NOT NULL,
    quantity      bigint NOT NULL,
    rules_version text   NOT NULL,
    content       bytea  NOT NULL,
    expires_on    date   NOT NULL,
    PRIMARY KEY (pool, id),
    FOREIGN KEY (pool, audit) REFERENCES supervision.audit (pool, id)
);
COMMENT ON TABLE supervision.finding IS 'amount in fen, quantity in 1/10,000';
COMMENT ON COLUMN supervision.finding.content IS 'sealed JSON: person, visit, text and the lines as evidence';
CREATE INDEX finding_audit ON supervision.finding (pool, audit);

-- What a hospital answered to a finding; the last answer counts.
CREATE TABLE supervision.answer (
    pool        text        NOT NULL,
    finding     bigint      NOT NULL,
    id          bigint      NOT NULL,
    institution text        NOT NULL,
    operator    text        NOT NULL,
    message_id  text        NOT NULL,
    way         text        NOT NULL,
    reason      bytea       NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (pool, finding, id),
    FOREIGN KEY (pool, finding) REFERENCES supervision.finding (pool, id)
);
COMMENT ON COLUMN supervision.answer.reason IS 'sealed text: a doctor may name the patient in it';

GRANT SELECT, INSERT ON supervision.audit, supervision.finding, supervision.answer TO yibao_writer;

CREATE VIEW uploads.visible_document WITH (security_barrier) AS
    SELECT * FROM uploads.document WHERE platform.may_see(institution);
CREATE VIEW uploads.visible_settlement_list WITH (security_barrier) AS
    SELECT * FROM uploads.settlement_list WHERE platform.may_see(institution);
CREATE VIEW supervision.visible_audit WITH (security_barrier) AS
    SELECT * FROM supervision.audit WHERE platform.may_see(institution);
CREATE VIEW supervision.visible_finding WITH (security_barrier) AS
    SELECT * FROM supervision.finding WHERE platform.may_see(institution);
CREATE VIEW supervision.visible_answer WITH (security_barrier) AS
    SELECT * FROM supervision.answer WHERE platform.may_see(institution);
GRANT SELECT ON uploads.visible_document, uploads.visible_settlement_list, supervision.visible_audit,
    supervision.visible_finding, supervision.visible_answer TO yibao_writer, yibao_reader;
