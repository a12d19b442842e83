-- The month of a bill's or an upload's batch can be named in a statement, which then looks into that one
-- alone: the planner does not carry over what is said of the bill's visit. And whether a bill stands is
-- told without a search for what undid it. Views only; no row is touched.
CREATE OR REPLACE VIEW settlement.visible_settlement WITH (security_barrier) AS
    SELECT settlement.pool, settlement.id, settlement.kind, settlement.mirrors, settlement.visit,
        settlement.batch, settlement.institution, settlement.member, settlement.origin,
        settlement.payee, settlement.scheme, settlement.care_kind, settlement.person_type,
        settlement.civil_servant, settlement.level, settlement.insured_division,
        settlement.care_division, settlement.voucher_type, settlement.day, settlement.settled_at,
        settlement.settled_on, settlement.message_id, settlement.invoice, settlement.total,
        settlement.own, settlement.over_limit, settlement.first_pay, settlement.in_scope,
        settlement.deductible, settlement.funds, settlement.personal, settlement.account,
        settlement.family, settlement.cash, settlement.hospital_part, settlement.balance,
        settlement.payments, settlement.law, settlement.snapshot, settlement.interim,
        batch.label AS batch_label,
        CASE WHEN settlement.kind = 'settlement'
              AND batch.living_settlement IS DISTINCT FROM settlement.id
             THEN (SELECT max(mirror.id) FROM settlement.settlement AS mirror
                   WHERE mirror.pool = settlement.pool AND mirror.mirrors = settlement.id
                     AND mirror.id > settlement.id - 362387865600000
                     AND mirror.kind = 'cancellation') END AS cancelled_by,
        EXISTS (SELECT FROM settlement.resettlement_flag AS flag
                WHERE flag.pool = settlement.pool AND flag.settlement = settlement.id
                  AND NOT EXISTS (
                      SELECT FROM settlement.resolved_flag AS resolved
                      WHERE resolved.pool = flag.pool AND resolved.settlement = flag.settlement
                        AND resolved.cause = flag.cause)) AS flagged,
        CASE WHEN settlement.kind = 'settlement'
             THEN ARRAY(SELECT supplement.id FROM settlement.settlement AS supplement
                        WHERE supplement.pool = settlement.pool
                          AND supplement.mirrors = settlement.id
                          AND supplement.id > settlement.id - 362387865600000
                          AND supplement.kind = 'supplement'
                          AND NOT EXISTS (
                              SELECT FROM settlement.settlement AS mirror
                              WHERE mirror.pool = supplement.pool AND mirror.mirrors = supplement.id
                                AND mirror.id > supplement.id - 362387865600000)
                        ORDER BY supplement.id) END AS supplements,
        batch.visit AS batch_visit,
        batch.living_settlement
    FROM settlement.settlement AS settlement
    LEFT JOIN settlement.charge_batch AS batch  -- one that is gone is told by `yibao ledger verify`
      ON batch.pool = settlement.pool AND batch.visit = settlement.visit
     AND batch.id = settlement.batch
    WHERE platform.may_see(settlement.institution);

CREATE OR REPLACE VIEW settlement.visible_upload WITH (security_barrier) AS
    SELECT upload.pool, upload.visit, upload.batch, upload.first, upload.count, upload.lowest,
        upload.highest, upload.returns, upload.sent, upload.split, batch.label, batch.withdrawn,
        batch.living_settlement, batch.institution, batch.visit AS batch_visit
    FROM settlement.fee_upload AS upload
    JOIN settlement.charge_batch AS batch
      ON batch.pool = upload.pool AND batch.visit = upload.visit AND batch.id = upload.batch
    WHERE platform.may_see(batch.institution);

CREATE VIEW settlement.visible_mirror WITH (security_barrier) AS
    SELECT mirror.pool, mirror.id, mirror.kind, original.id AS original
    FROM settlement.settlement AS original
    JOIN settlement.settlement AS mirror
      ON mirror.pool = original.pool AND mirror.mirrors = original.id
    WHERE platform.may_see(original.institution);
COMMENT ON VIEW settlement.visible_mirror IS
    'what names bills as its original, to whom may see these: cancellations, repetitions, supplements';
GRANT SELECT ON settlement.visible_mirror TO yibao_writer, yibao_reader;
