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
