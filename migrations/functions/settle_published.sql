-- As settle_messages, but says only of how many, for processes of the previous release.
CREATE OR REPLACE FUNCTION tasker.settle_published(p_steps uuid[], p_published boolean) RETURNS int
LANGUAGE sql AS $$
    SELECT cardinality(tasker.settle_messages(p_steps, p_published))
$$;
