-- How long a step waits after its attempt number p_attempt (1-based) failed: the policy's wait, capped, with 15 % jitter.
-- exponential base*2^n, linear base*n, fibonacci base*fib(n) (1, 2, 3, 5, …), none 0 (reference 8.3; engine.model.retry is its model).
CREATE OR REPLACE FUNCTION tasker.backoff_interval(p_backoff text, p_base_ms int, p_max_ms int, p_attempt int) RETURNS interval
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT make_interval(secs => (0.85 + random() * 0.3) / 1000.0 * least(p_max_ms::float8, p_base_ms * CASE p_backoff
        WHEN 'exponential' THEN power(2, least(p_attempt, 40))
        WHEN 'linear' THEN p_attempt
        WHEN 'fibonacci' THEN round((power((1 + sqrt(5.0)) / 2, least(p_attempt, 60) + 1)) / sqrt(5.0))
        ELSE 0 END))
$$;
