-- What operators have made of the failures of one kind: whose they are, how far, and what was found. It stays when the last of them is
-- repaired, so that it is known when they come back.

CREATE TABLE tasker.failure_triage (
    signature  text PRIMARY KEY,
    state      text NOT NULL CHECK (state IN ('new', 'triaged', 'fixing', 'fixed', 'ignored')),
    owner      text,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL);

CREATE TABLE tasker.failure_notes (
    note_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    signature  text NOT NULL REFERENCES tasker.failure_triage ON DELETE CASCADE,
    note       text NOT NULL,
    noted_by   text NOT NULL,
    noted_at   timestamptz NOT NULL);

CREATE INDEX failure_notes_signature ON tasker.failure_notes (signature, note_id DESC);
