-- The tables of tests/loop/run as Markdown. Of repeated measurements the one with the median p99 is
-- shown, with its own interval. A single replica serves every routing alike.
.mode markdown
CREATE TEMP VIEW measured AS
    SELECT *, row_number() OVER same AS place, count(*) OVER (PARTITION BY rate, kind, replicas) AS repeats
    FROM (SELECT *, CASE replicas WHEN 1 THEN 'any' ELSE routing END AS kind,
                 json_extract(load, '$.response_ns.p99.value') AS p99 FROM runs)
    WINDOW same AS (PARTITION BY rate, kind, replicas ORDER BY p99);
CREATE TEMP VIEW median AS SELECT * FROM measured WHERE place = (repeats + 1) / 2;

-- One row per point and number of replicas: N, then N - 1.
CREATE TEMP VIEW side AS
    SELECT points.rowid AS point, 0 AS fewer, * , json_extract(plan, '$.proof.n') AS proof,
           CASE WHEN json_extract(plan, '$.at_value.proof.n.replicas') = replicas
                THEN json_extract(plan, '$.at_value.proof.n')
                ELSE json_extract(plan, '$.at_value.proof.n_minus_1') END AS middle
    FROM points
    UNION ALL
    SELECT points.rowid, 1, rate, routing, target_ns, replicas - 1, plan,
           json_extract(plan, '$.proof.n_minus_1'),
           CASE WHEN json_extract(plan, '$.at_value.proof.n.replicas') = replicas - 1
                THEN json_extract(plan, '$.at_value.proof.n')
                ELSE json_extract(plan, '$.at_value.proof.n_minus_1') END
    FROM points;
CREATE TEMP VIEW row AS
    SELECT point, fewer, side.rate, side.routing, target_ns, side.replicas, proof, middle, load, again,
           steal, switches, others, again_replicas, median.repeats,
           json_extract(plan, '$.service_ns') AS high_ns, json_extract(plan, '$.at_value.service_ns') AS middle_ns,
           json_extract(load, '$.response_ns.p99.low') AS low, json_extract(load, '$.response_ns.p99.value') AS p99,
           json_extract(load, '$.response_ns.p99.high') AS high
    FROM side LEFT JOIN median ON median.rate = side.rate AND median.replicas = side.replicas
         AND median.kind = CASE side.replicas WHEN 1 THEN 'any' ELSE side.routing END;

.print
.print "Planned for the upper end of the latency, and for its middle; p99 in ms"
.print
SELECT printf('%d', rate) AS 'rate 1/s', routing, printf('%d', target_ns / 1e6) AS 'target',
       CASE fewer WHEN 0 THEN replicas || ' = N' ELSE replicas || ' = N-1' END AS replicas,
       coalesce(printf('%.1f', json_extract(proof, '$.response_ns.p99') / 1e6), 'no end') AS upper,
       iif(json_extract(proof, '$.simulated_ns.value') IS NULL, '-',
           printf('%.1f', json_extract(proof, '$.simulated_ns.value') / 1e6)) AS 'upper, simulated',
       iif(json_extract(middle, '$.response_ns.p99') IS NULL, '-', printf('%.1f', json_extract(middle, '$.response_ns.p99') / 1e6)) AS middle,
       printf('%.1f (%.1f to %.1f)', p99 / 1e6, low / 1e6, high / 1e6) AS 'measured (95 %)',
       iif(json_extract(proof, '$.meets'), 'meets', 'misses') AS 'planned',
       CASE WHEN p99 IS NULL THEN '-' WHEN high <= target_ns THEN 'meets' WHEN low > target_ns THEN 'misses'
            WHEN p99 <= target_ns THEN 'meets?' ELSE 'misses?' END AS 'measured'
FROM row ORDER BY point, fewer;
.print
.print "Why they differ; all in ms. Replayed: the same arrivals and the server's own times, nothing else."
.print "Model: the plan's simulation with the mean service seen, HTTP included, and its variation."
.print
SELECT printf('%d', rate) AS 'rate 1/s', routing, replicas,
       printf('%.2f to %.2f', middle_ns / 1e6, high_ns / 1e6) AS 'service planned',
       printf('%.2f', json_extract(load, '$.service_ns.mean') / 1e6) AS 'seen',
       printf('%.2f', json_extract(load, '$.service_cpu_ns') / 1e6) AS 'CPU',
       iif(json_extract(load, '$.service_after_pause_ns') IS NULL, '-',
           printf('%.2f, %.2f', json_extract(load, '$.service_after_pause_ns') / 1e6,
                  json_extract(load, '$.service_after_another_ns') / 1e6)) AS 'after a pause, another',
       printf('%.3f', json_extract(load, '$.service_scv')) AS 'scv',
       printf('%.1f', json_extract(load, '$.offered_per_second')) AS 'offered 1/s',
       printf('%.2f', json_extract(load, '$.utilisation')) AS 'busy',
       printf('%.1f', p99 / 1e6) AS 'measured',
       printf('%.1f', json_extract(load, '$.replayed_ns.p99.value') / 1e6) AS 'replayed',
       iif(json_extract(again, '$.utilisation') < 0.99, printf('%.1f', json_extract(again, '$.response_ns.p99') / 1e6), 'no end') AS 'model', coalesce(again_replicas, '-') AS 'model''s N',
       printf('%.2f', json_extract(load, '$.lateness_ns.p99.value') / 1e6) AS 'generator late, p99',
       switches AS 'driven off', printf('%.1f', steal / 100.0) AS 'stolen s', others AS 'load average', repeats
FROM row ORDER BY point, fewer;
