-- The numbers of the items that a bulk operation takes next: at most p_limit, and so many that a transaction holds its locks for a few
-- milliseconds. end_step_by_hand takes one step; cancelling and running again lock every step of a task, so a large one goes alone.
CREATE OR REPLACE FUNCTION tasker.bulk_batch(p_operation tasker.bulk_operations, p_limit int) RETURNS int[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(b.number)
    FROM (SELECT i.number,
                 sum(CASE WHEN p_operation.verb IN ('cancel', 'retry_downstream', 'retry_task') THEN coalesce(t.total_steps, 1) ELSE 1 END) OVER (ORDER BY i.number) AS weight,
                 row_number() OVER (ORDER BY i.number) AS place
          FROM (SELECT i.number, i.task_uuid
                FROM tasker.bulk_items i
                WHERE i.bulk_uuid = p_operation.bulk_uuid AND i.number >= p_operation.next_number
                ORDER BY i.number
                LIMIT least(p_limit, CASE WHEN p_operation.next_number <= p_operation.singly_until THEN 1
                                          WHEN p_operation.verb IN ('skip', 'resolve', 'complete') THEN 1
                                          WHEN p_operation.verb IN ('pause', 'resume') THEN 100
                                          ELSE 20 END)) i
          LEFT JOIN tasker.tasks t USING (task_uuid)) b
    WHERE b.place = 1 OR b.weight <= CASE WHEN p_operation.verb IN ('pause', 'resume') THEN 100 ELSE 60 END
$$;
