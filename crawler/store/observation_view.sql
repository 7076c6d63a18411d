-- What is written to view `observation` goes to its table, whole; nothing of it is changed or deleted.
CREATE TRIGGER observation_insert INSTEAD OF INSERT ON observation
BEGIN
    INSERT INTO observation_row (
        id, run, origin, resource, asked, hop, url, outcome, status, headers, digest, stored, size,
        truncated, observed_at, elapsed_ms, address, note, tls_version, tls_certificate,
        tls_verified, confirms
    ) VALUES (
        NEW.id, NEW.run, NEW.origin, NEW.resource, NEW.asked, NEW.hop, NEW.url, NEW.outcome,
        NEW.status, NEW.headers, NEW.digest, NEW.stored, NEW.size, NEW.truncated, NEW.observed_at,
        NEW.elapsed_ms, NEW.address, NEW.note, NEW.tls_version, NEW.tls_certificate,
        NEW.tls_verified, NEW.confirms
    );
END;
CREATE TRIGGER observation_update INSTEAD OF UPDATE ON observation
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;
CREATE TRIGGER observation_delete INSTEAD OF DELETE ON observation
BEGIN SELECT raise(ABORT, 'observations are append-only'); END;
