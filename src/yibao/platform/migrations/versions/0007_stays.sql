-- Stays, purchases and returns. A stay is a visit from admission to discharge, a purchase one at a pharmacy.

ALTER TABLE settlement.visit
    ADD COLUMN kind text NOT NULL DEFAULT 'outpatient' CHECK (kind IN ('outpatient', 'stay', 'purchase')),
    ADD COLUMN end_at timestamptz,
    ADD COLUMN discharge_diagnoses jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN chain text,
    ADD COLUMN details jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN prescription text,
    ADD COLUMN died_on date,
    ADD COLUMN identity bigint,
    ADD CONSTRAINT visit_stay_identity CHECK (kind <> 'stay' OR identity IS NOT NULL);
COMMENT ON COLUMN settlement.visit.end_at IS 'discharge; NULL while the person is in hospital';
COMMENT ON COLUMN settlement.visit.chain IS 'the chain of stays it belongs to, by the first visit''s id';
COMMENT ON COLUMN settlement.visit.died_on IS 'day of death, as the discharge said it';
COMMENT ON COLUMN settlement.visit.identity IS
    'the human of a stay: nobody lies in two hospitals, whatever pools insure them';
CREATE INDEX visit_stay ON settlement.visit (identity) WHERE kind = 'stay' AND state = 'open';
CREATE INDEX visit_in_hospital ON settlement.visit (institution)
    WHERE kind = 'stay' AND state = 'open' AND end_at IS NULL;

ALTER TABLE settlement.charge_batch ADD COLUMN next_line integer NOT NULL DEFAULT 0;
UPDATE settlement.charge_batch SET next_line = line_count;
COMMENT ON COLUMN settlement.charge_batch.line_count IS 'lines that are not withdrawn';
COMMENT ON COLUMN settlement.charge_batch.next_line IS 'number of the next line: those withdrawn keep theirs';
COMMENT ON COLUMN settlement.charge_batch.buckets IS
    'sums in fen by benefit bucket: [total, own, over limit, first pay, in scope(, the hospital''s of over limit)]';

ALTER TABLE settlement.fee_line
    ADD COLUMN returns text,
    ADD COLUMN approved boolean,
    ADD COLUMN first_pay_of integer NOT NULL DEFAULT 10000 CHECK (first_pay_of > 0),
    ADD COLUMN over_limit_way text NOT NULL DEFAULT 'own',
    ADD COLUMN hospital bigint NOT NULL DEFAULT 0,
    ADD COLUMN withdrawn_at timestamptz,
    ADD CONSTRAINT fee_line_hospital CHECK (abs(hospital) <= abs(over_limit));
COMMENT ON TABLE settlement.fee_line IS
    'amounts in fen, price in 1/1,000,000 yuan, quantity in 1/10,000, first pay share = first_pay_rate / first_pay_of';
COMMENT ON COLUMN settlement.fee_line.returns IS
    'serial of the line that this one gives back in part or whole; then amounts and quantity are negative';
COMMENT ON COLUMN settlement.fee_line.approved IS 'what the hospital''s approval meant: NULL none needed';
COMMENT ON COLUMN settlement.fee_line.over_limit_way IS 'what becomes of the price above the ceiling';
COMMENT ON COLUMN settlement.fee_line.hospital IS 'the part of over_limit that the hospital bears';
COMMENT ON COLUMN settlement.fee_line.withdrawn_at IS 'withdrawn alone; no longer in its batch''s sums';

ALTER TABLE settlement.settlement ADD COLUMN interim boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN settlement.settlement.interim IS 'of a stay that goes on';

GRANT UPDATE (approved, first_pay_of, over_limit_way, hospital, withdrawn_at)
    ON settlement.fee_line TO yibao_writer;

CREATE OR REPLACE VIEW settlement.visible_visit WITH (security_barrier) AS
    SELECT * FROM settlement.visit WHERE platform.may_see(institution);
CREATE OR REPLACE VIEW settlement.visible_batch WITH (security_barrier) AS
    SELECT * FROM settlement.charge_batch WHERE platform.may_see(institution);
DROP VIEW settlement.visible_line;
CREATE VIEW settlement.visible_line WITH (security_barrier) AS
    SELECT line.*, batch.visit, batch.label, batch.withdrawn, batch.living_settlement, batch.institution
    FROM settlement.fee_line AS line
    JOIN settlement.charge_batch AS batch ON batch.pool = line.pool AND batch.id = line.batch
    WHERE platform.may_see(batch.institution);
DROP VIEW settlement.visible_settlement;
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
GRANT SELECT ON settlement.visible_line, settlement.visible_settlement TO yibao_writer, yibao_reader;
