/**
 * CTEs that end in `in_turns` (resource_id, queued, turn): what waits for the router `$1` in the order in which it is taken: the first of every group, then the
 * second of every group, …, however much one of them asks for. At most `limit` (an expression), and each group is read only as far, out of the
 * index. `onlyIf` is a condition without which nothing is read.
 */
export const inTurns = (limit: string, onlyIf = 'true') => `
  groups AS (
    (SELECT owner_group FROM resources WHERE router = $1 AND waiting AND ${onlyIf} ORDER BY owner_group LIMIT 1)
    UNION ALL
    SELECT (SELECT owner_group FROM resources
            WHERE router = $1 AND waiting AND owner_group > before.owner_group ORDER BY owner_group LIMIT 1)
    FROM groups AS before WHERE before.owner_group IS NOT NULL
  ), in_turns AS (
    SELECT resource_id, queued, turn FROM groups CROSS JOIN LATERAL (
      SELECT resource_id, queued, row_number() OVER (ORDER BY queued) AS turn FROM resources
      WHERE router = $1 AND waiting AND owner_group = groups.owner_group ORDER BY queued LIMIT ${limit}
    ) AS of_group ORDER BY turn, queued LIMIT ${limit}
  )`;
