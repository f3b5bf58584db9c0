-- What failures of one kind have in common: the error's type and its message without ids, numbers and quoted values.
CREATE OR REPLACE FUNCTION tasker.failure_signature(p_error_type text, p_message text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(p_error_type, 'unknown') || ': ' || left(
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            split_part(coalesce(p_message, ''), E'\n', 1),
            '"[^"]*"|''[^'']*''', '?', 'g'),
            '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '#', 'gi'),
            '\m0x[0-9a-f]+\M|\m(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\M', '#', 'gi'),
            '[-+]?[0-9]+([.,][0-9]+)*', '#', 'g'),
            '\s+', ' ', 'g'), 300)
$$;
