"""The questions that `scan` asks DuckDB: what a plain line is, and what it holds."""

from __future__ import annotations

END, START, CONTEXT, OTHER, ODD = 1, 2, 3, 4, 0

COLUMNS = {
    "type": "JSON",
    "record": "STRUCT(id JSON, duration_s DOUBLE, devices STRUCT(id JSON, method JSON,"
    " energy_j DOUBLE, uncertainty_j DOUBLE, uncertainty_random_j DOUBLE, name JSON)[],"
    " started_at JSON, status JSON, final JSON, label JSON, purpose JSON, parent JSON,"
    " notebook JSON, intensity STRUCT(g_per_kwh DOUBLE), pue STRUCT(value DOUBLE),"
    " host STRUCT(id JSON, name JSON), schema_version JSON)",
    # What tells other lines from odd ones.
    "id": "JSON",
    "at": "JSON",
    "pid": "BIGINT",
    "duration_s": "DOUBLE",
    "schema_version": "JSON",
    "baseline": "STRUCT(measured_at JSON, duration_s DOUBLE)",
    # A line that refers to a context, and what that holds.
    "context": "JSON",
    "energy_j": "DOUBLE[]",
    "uncertainty_j": "DOUBLE[]",
    "uncertainty_random_j": "DOUBLE[]",
    "devices": "JSON",
    "notebook": "JSON",
    "intensity": "JSON",
    "pue": "JSON",
    "host": "JSON",
}
# A text, or nothing where the field may be left out.
IS_TEXT = "coalesce(starts_with({0}, '\"'), true)"
COUNT = "coalesce(len({}), 0)".format
IS_REFERENCE = (
    "starts_with(context, '\"') AND context <> '\"\"'"
    f" AND {COUNT('energy_j')} = {COUNT('uncertainty_j')}"
    f" AND {COUNT('energy_j')} = {COUNT('uncertainty_random_j')}"
)
PLAIN_RECORD = " AND ".join(
    (
        "starts_with(r.id, '\"')",
        "isfinite(r.duration_s)",
        "r.devices IS NOT NULL",
        "length(s) IN (22, 26, 29)",
        "ends_with(s, 'Z\"')",
        "s[12] = 'T'",
        "t IS NOT NULL",
        "(r.intensity IS NULL OR r.intensity.g_per_kwh IS NOT NULL)",
        "(r.pue IS NULL OR r.pue.value IS NOT NULL)",
        "coalesce(r.schema_version = '1', true)",
        f"(context IS NULL OR ({IS_REFERENCE}))",
        *(IS_TEXT.format(f"r.{name}") for name in ("label", "purpose", "notebook")),
        IS_TEXT.format("r.parent"),
    )
)
KIND = f"""CASE
  WHEN type = '"end"' THEN CASE WHEN {PLAIN_RECORD} THEN {END} ELSE {ODD} END
  WHEN type = '"start"' THEN CASE WHEN {PLAIN_RECORD} THEN {START} ELSE {ODD} END
  WHEN type = '"session"' AND starts_with(id, '"') AND starts_with("at", '"')
    AND pid IS NOT NULL AND coalesce(schema_version IN ('1', '2'), true) THEN {OTHER}
  WHEN type = '"context"' AND starts_with(id, '"')
    AND coalesce(schema_version = '2', true) THEN {CONTEXT}
  WHEN type = '"heartbeat"' AND starts_with("at", '"') AND duration_s IS NOT NULL
    THEN {OTHER}
  WHEN type = '"baseline"' AND starts_with(baseline.measured_at, '"')
    AND baseline.duration_s IS NOT NULL THEN {OTHER}
  ELSE {ODD} END"""
# What rows are told apart by; without it far fewer patterns have to be told apart.
KEY_COLUMN = {
    "notebook": "r.notebook",
    "label": "r.label",
    "purpose": "r.purpose",
    "day": "s[2:11]",
}
# DuckDB lets threads write side by side only as long as 4 MB for each column and thread
# are a part of its memory: these columns are few for that.
BATCH = """CREATE OR REPLACE TEMP TABLE batch AS
WITH lines AS (
  SELECT *, record AS r, record.started_at::VARCHAR AS s,
    TRY_CAST(s[2:-2] AS TIMESTAMP) AS t
  FROM read_json($files, {options})
), kinds AS (SELECT *, {kind} AS kind FROM lines)
SELECT filename, kind, hash(r.id::VARCHAR) AS id, hash(r.parent::VARCHAR) AS parent,
  r.parent IS NOT NULL AS is_nested, epoch_us(t) AS begin_us, r.duration_s AS length_s,
  r.final IS NULL OR r.final = 'true' AS is_final, r.intensity.g_per_kwh AS g_per_kwh,
  coalesce(r.pue.value, 1.0) AS pue,
  CASE WHEN kind = {context_kind} THEN {{'type': 'context', 'id': id,
    'devices': devices, 'notebook': notebook, 'intensity': intensity, 'pue': pue,
    'host': host}} END AS stated,
  {{'status': r.status, 'final': r.final, 'key': {key}, 'context': context,
    'count': coalesce(len(lines.energy_j), 0), 'stated': CASE WHEN context IS NULL
    THEN {{'host': r.host.id, 'host_name': r.host.name, 'devices':
    [{{'id': x.id, 'method': x.method, 'name': {name}}} for x in r.devices]}} END
    }} AS pattern, hash(pattern) AS pattern_id,
  CASE WHEN context IS NULL THEN [x.energy_j for x in r.devices]
    ELSE lines.energy_j END AS energy_j,
  CASE WHEN context IS NULL THEN [x.uncertainty_j for x in r.devices]
    ELSE lines.uncertainty_j END AS uncertainty_j,
  CASE WHEN context IS NULL THEN [x.uncertainty_random_j for x in r.devices]
    ELSE uncertainty_random_j END AS random_j
FROM kinds AS lines"""
RECORDS = """SELECT id, parent, is_nested, begin_us, length_s, is_final,
  g_per_kwh, pue, pattern_id, coalesce(len(energy_j), 0) AS devices FROM batch
  WHERE kind = $1"""

COUNTS = "SELECT filename, count(*) FROM batch WHERE kind = $1 GROUP BY filename"
DEVICES = """SELECT unnest(energy_j) AS energy_j,
  unnest(uncertainty_j) AS uncertainty_j, unnest(random_j) AS random_j
  FROM batch WHERE kind = $1"""
PATTERNS = """SELECT pattern_id, to_json(any_value(pattern))::VARCHAR FROM batch
  WHERE kind = $1 GROUP BY pattern_id"""
# Contexts as they stand, and where each is first referred to.
CONTEXTS = """SELECT filename, rowid, to_json(stated)::VARCHAR FROM batch
  WHERE kind = $1 ORDER BY rowid"""
REFERENCES = """SELECT filename, pattern.context AS context, min(rowid) FROM batch
  WHERE context IS NOT NULL GROUP BY ALL"""


def batch_query(by: str | None, max_object: int) -> str:
    """Return the statement that reads ``$files`` into the table ``batch``.

    Args:
        by: What totals are told apart by.
        max_object: Bytes of the longest line that is read.
    """
    options = (
        "format='newline_delimited', records=true, auto_detect=false, "
        "ignore_errors=true, filename=true, hive_partitioning=false, "
        f"compression='none', maximum_object_size={max_object}, columns={COLUMNS!r}"
    )
    return BATCH.format(
        options=options,
        kind=KIND,
        context_kind=CONTEXT,
        key=KEY_COLUMN.get(by or "", "NULL"),
        name="x.name" if by == "device" else "NULL",
    )
