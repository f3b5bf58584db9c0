-- Of some names at most three that resemble p_name, the nearest first: by the share of pairs of neighbouring letters that they
-- have in common (Dice), of the whole names or of what follows their last dots. For messages, not for searching.
CREATE OR REPLACE FUNCTION tasker.near_names(p_name text, p_known text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    WITH parts AS (
        SELECT 0 AS n, p_name AS name, p.part, p.least
        FROM (VALUES (p_name, 0.5), (substring(p_name FROM '[^.]*$'), 0.7)) AS p(part, least)
        UNION ALL
        SELECT k.n, k.name, p.part, p.least
        FROM unnest(p_known) WITH ORDINALITY AS k(name, n)
        CROSS JOIN LATERAL (VALUES (k.name, 0.5), (substring(k.name FROM '[^.]*$'), 0.7)) AS p(part, least)),
    pairs AS (
        SELECT DISTINCT p.n, p.name, p.least, substr('^' || lower(p.part) || '$', i, 2) AS pair
        FROM parts p CROSS JOIN LATERAL generate_series(1, length(p.part) + 1) AS i),
    sizes AS (
        SELECT n, name, least, count(*) AS size FROM pairs GROUP BY 1, 2, 3),
    alike AS (
        SELECT k.n, k.name, k.least, k.size, count(*) AS shared
        FROM pairs w JOIN pairs x ON x.pair = w.pair AND x.least = w.least AND x.n > 0
        JOIN sizes k ON k.n = x.n AND k.least = x.least
        WHERE w.n = 0 GROUP BY 1, 2, 3, 4)
    SELECT array_agg(b.name ORDER BY b.score DESC, b.name)
    FROM (SELECT a.name, max(2.0 * a.shared / (a.size + w.size)) AS score
          FROM alike a JOIN sizes w ON w.n = 0 AND w.least = a.least
          WHERE 2.0 * a.shared / (a.size + w.size) >= a.least
          GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3) b
$$;
