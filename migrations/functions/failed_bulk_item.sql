-- The item of a bulk operation that could not be done, with what an operator may read of the error. TK001 is said by a verb that refuses
-- (end_step_by_hand), TK002 by a step that went on in the meantime; what else there is goes to the server's log in full.
CREATE OR REPLACE FUNCTION tasker.failed_bulk_item(p_bulk uuid, p_number int, p_code text, p_message text, p_now timestamptz)
RETURNS tasker.bulk_items
LANGUAGE plpgsql AS $$
BEGIN
    IF p_code NOT LIKE 'TK%' THEN
        RAISE WARNING 'item % of bulk operation % failed: %', p_number, p_bulk, p_message;
        p_message := format('the database refused it (SQLSTATE %s); its log tells more', p_code);
    END IF;
    RETURN ROW(p_bulk, p_number, NULL, NULL, CASE WHEN p_code = 'TK002' THEN 'skipped' ELSE 'failed' END, p_message, p_now)::tasker.bulk_items;
END
$$;
