-- Which pauses hold the steps of a task in a namespace, as the bits of ready_steps.holds: 1 the namespace, 2 the template, 4 the task.
CREATE OR REPLACE FUNCTION tasker.pause_holds(p_namespace text, p_task uuid) RETURNS int
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM tasker.pauses p WHERE p.namespace = p_namespace) THEN 1 ELSE 0 END
         + CASE WHEN EXISTS (SELECT FROM tasker.tasks t JOIN tasker.pauses p USING (template_id) WHERE t.task_uuid = p_task) THEN 2 ELSE 0 END
         + CASE WHEN EXISTS (SELECT FROM tasker.pauses p WHERE p.task_uuid = p_task) THEN 4 ELSE 0 END
$$;
