-- Balances that a pool declines come back; what links used of a year moves along with the account.

ALTER TABLE accounts.transfer
    ADD COLUMN declined boolean NOT NULL DEFAULT false,
    ADD COLUMN uses jsonb NOT NULL DEFAULT '[]',
    DROP CONSTRAINT transfer_direction_check,
    ADD CONSTRAINT transfer_direction_check CHECK (direction IN ('out', 'in', 'back')),
    ADD CONSTRAINT transfer_declined CHECK (NOT declined OR (direction = 'in' AND posting IS NULL));
COMMENT ON TABLE accounts.transfer IS
    'parts: [part, origin, fen]; an out without its in is under way; a declined in never arrives: its out comes back';
COMMENT ON COLUMN accounts.transfer.uses IS
    '[link, year, fen]: what was paid over the owner''s links, counted from now on where the account is';
CREATE INDEX transfer_out ON accounts.transfer (recorded_at) WHERE direction = 'out';

ALTER TABLE accounts.event
    DROP CONSTRAINT event_kind_check,
    ADD CONSTRAINT event_kind_check CHECK (kind IN
        ('frozen', 'released', 'closed', 'moved_out', 'moved_in', 'moved_back', 'inherited', 'corrected'));

-- A hospital may give a cancellation (2208) the msgid of one of its reversals (2601): what a message of
-- its own cancelled was not reversed.
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
            AND reversal.transaction = '2601' AND reversal.message_id = booked.message_id
            AND NOT EXISTS (
                SELECT FROM platform.message AS own
                WHERE own.pool = booked.pool AND own.institution = booked.institution
                  AND own.transaction IN ('2103', '2208', '2305')
                  AND own.message_id = booked.message_id AND own.outcome = 'done'
                  AND own.reference ->> 'settlement' = booked.pool || lpad(booked.id::text, 19, '0'))))
      AND NOT EXISTS (
          SELECT FROM settlement.settlement AS undoing
          JOIN platform.message AS reversal
            ON reversal.pool = undoing.pool AND reversal.institution = undoing.institution
           AND reversal.transaction = '2601' AND reversal.message_id = undoing.message_id
          WHERE undoing.pool = booked.pool AND undoing.mirrors = coalesce(booked.mirrors, booked.id)
            AND undoing.id > booked.id
            AND undoing.kind = CASE booked.kind WHEN 'cancellation' THEN 'reinstatement'
                                                ELSE 'cancellation' END
            AND NOT EXISTS (
                SELECT FROM platform.message AS own
                WHERE own.pool = undoing.pool AND own.institution = undoing.institution
                  AND own.transaction IN ('2103', '2208', '2305')
                  AND own.message_id = undoing.message_id AND own.outcome = 'done'
                  AND own.reference ->> 'settlement'
                      = undoing.pool || lpad(undoing.id::text, 19, '0')));
