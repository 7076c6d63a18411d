-- Origins with equal keys get equal verdicts, but for the times of their evidence
-- (evaluate/evidence_key.py). NULL for an origin whose verdicts are its own, and until it is judged
-- again, which only makes the first `flag` slower.
ALTER TABLE evaluated_visit ADD COLUMN evidence_key BLOB;
