-- A worker at whose terminal somebody debugs: other workers leave the steps of its handlers to it.
ALTER TABLE tasker.workers ADD COLUMN debugs boolean NOT NULL DEFAULT false;
