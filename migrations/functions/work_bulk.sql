-- Works off the next few items of the running bulk operation that has waited longest, as many as its rate allows, in one transaction with
-- their outcomes. The operation's row is locked meanwhile: any engine goes on where the last one stopped, and all of them together keep
-- to the rate. An item that fails alone is counted and left; one that spoils its batch has the batch's items taken one at a time.
-- Returns the items that now have an outcome, and in how long an operation is due (NULL: none runs).
CREATE OR REPLACE FUNCTION tasker.work_bulk(OUT worked int, OUT next_in interval)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET join_collapse_limit = 1
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    v_now timestamptz := tasker.now();
    v_op tasker.bulk_operations;
    v_from timestamptz;
    v_numbers int[];
    v_outcomes tasker.bulk_items[];
    v_done int;
    v_failed int;
BEGIN
    worked := 0;
    SELECT * INTO v_op
    FROM tasker.bulk_operations o
    WHERE o.state = 'running' AND o.due_at <= v_now
    ORDER BY o.due_at
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        -- Up to a fifth of a second that no engine used is made up for, never more.
        v_from := greatest(v_op.due_at, v_now - interval '0.2 s');
        v_numbers := tasker.bulk_batch(v_op, least(1 + floor(extract(epoch FROM v_now - v_from) * v_op.rate), 1000)::int);
        BEGIN
            v_outcomes := ARRAY (SELECT ROW(v_op.bulk_uuid, a.number, NULL, NULL, CASE WHEN a.done THEN 'done' ELSE 'skipped' END, a.message, v_now)
                                 FROM tasker.apply_bulk(v_op, v_numbers) a);
        EXCEPTION
            WHEN transaction_rollback OR insufficient_resources OR operator_intervention OR system_error THEN
                RAISE;  -- not the items' fault: the engine tries again
            WHEN OTHERS THEN
                IF cardinality(v_numbers) = 1 THEN
                    v_outcomes := ARRAY[tasker.failed_bulk_item(v_op.bulk_uuid, v_numbers[1], SQLSTATE, SQLERRM, v_now)];
                ELSE
                    UPDATE tasker.bulk_operations o SET singly_until = v_numbers[cardinality(v_numbers)] WHERE o.bulk_uuid = v_op.bulk_uuid;
                    next_in := interval '0';
                    RETURN;
                END IF;
        END;
        WITH changed AS (
            UPDATE tasker.bulk_items i SET outcome = o.outcome, message = o.message, finished_at = v_now
            FROM unnest(v_outcomes) o
            WHERE i.bulk_uuid = v_op.bulk_uuid AND i.number = ANY (v_numbers) AND i.number = o.number
            RETURNING i.outcome)
        SELECT count(*), count(*) FILTER (WHERE c.outcome = 'done'), count(*) FILTER (WHERE c.outcome = 'failed') INTO worked, v_done, v_failed
        FROM changed c;
        UPDATE tasker.bulk_operations o
        SET done = o.done + v_done, failed = o.failed + v_failed, skipped = o.skipped + worked - v_done - v_failed,
            next_number = o.next_number + worked,
            -- What is skipped costs nobody anything.
            due_at = CASE WHEN o.rate IS NULL THEN v_now ELSE v_from + (v_done + v_failed) / o.rate * interval '1 s' END,
            state = CASE WHEN o.next_number + worked > o.items THEN 'complete' ELSE 'running' END,
            finished_at = CASE WHEN o.next_number + worked > o.items THEN v_now END
        WHERE o.bulk_uuid = v_op.bulk_uuid;
    END IF;
    SELECT min(o.due_at) - tasker.now() INTO next_in FROM tasker.bulk_operations o WHERE o.state = 'running';
END
$$;
