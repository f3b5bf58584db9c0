-- Takes calls that are due for an engine to send: of each webhook p_each at most, so that one that does not answer keeps no other waiting,
-- and none of those in p_busy. Until p_lease is over no other engine takes them; the engine that dies sends them no more, another one does.
CREATE OR REPLACE FUNCTION tasker.take_deliveries(p_limit int, p_each int, p_busy uuid[], p_lease interval)
RETURNS TABLE (delivery_uuid uuid, webhook_uuid uuid, url text, secret text, body text, attempt int, at timestamptz)
LANGUAGE sql AS $$
    WITH due AS (
        SELECT d.delivery_uuid, w.webhook_uuid, w.url, w.secret
        -- In no order, so that none is always last where there is less room than calls.
        FROM (SELECT w.* FROM tasker.webhooks w WHERE w.enabled AND w.webhook_uuid <> ALL (p_busy) ORDER BY random()) w
        CROSS JOIN LATERAL (
            SELECT d.delivery_uuid FROM tasker.webhook_deliveries d
            WHERE d.webhook_uuid = w.webhook_uuid AND d.state = 'pending' AND d.next_at <= tasker.now()
            ORDER BY d.next_at LIMIT p_each
            FOR UPDATE SKIP LOCKED) d
        LIMIT p_limit)
    UPDATE tasker.webhook_deliveries d
    SET attempts = d.attempts + 1, next_at = tasker.now() + p_lease, updated_at = tasker.now()
    FROM due
    WHERE d.delivery_uuid = due.delivery_uuid
    RETURNING d.delivery_uuid, due.webhook_uuid, due.url, due.secret, d.payload::text, d.attempts, tasker.now()
$$;
