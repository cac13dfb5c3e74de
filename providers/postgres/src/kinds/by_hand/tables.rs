//! Questions, baselines and their comparison.

use crate::kinds::by_hand::psql;

macro_rules! asked {
    () => {
        concat!(
            "PGOPTIONS=--default_transaction_read_only=on ",
            psql!(),
            " --tuples-only --no-align --dbname={{q with.database}} --command={{q with.sql}}"
        )
    };
}

/// A question, and what its answer must be.
pub const QUERY: [&str; 2] = [
    "# {{#if with.expect}}It must give{{#if with.expect.rows}} {{with.expect.rows}} rows{{/if}}{{#if with.expect.equals}} \
     {{with.expect.equals}}{{/if}}{{#if with.expect.at-least}} {{with.expect.at-least}} or more{{/if}}\
     {{#if with.expect.at-most}} {{with.expect.at-most}} or less{{/if}}{{#if with.expect.newer-than}} a time after \
     {{with.expect.newer-than}}{{/if}}{{#if with.expect.age-max}} a time no older than {{with.expect.age-max}}{{/if}}.\
     {{else}}It must give a row.{{/if}}",
    concat!(
        "{{#if told.value}}{{told.value}}=$(",
        asked!(),
        ") && echo \"${{told.value}}\"{{else}}",
        asked!(),
        "{{/if}}"
    ),
];

/// `table|rows|digest`, a line a table, all of one snapshot and with the digests of the provider.
macro_rules! measured {
    () => {
        concat!(
            psql!(),
            " --quiet --tuples-only --no-align --dbname={{q with.database}} <<'EOF' > {{q with.database}}.measured &&\n",
            "begin isolation level repeatable read read only;\n",
            "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'iso_8601';\n",
            "set local extra_float_digits = 1; set local bytea_output = 'hex'; set local xmlbinary = 'base64';\n",
            "select format('select %L, count(*), coalesce(sum((''x'' || substr(md5(t::text), 1, 16))::bit(64)::bigint::numeric), 0)\n",
            "    from only %I.%I t', n.nspname || '.' || c.relname, n.nspname, c.relname)\n",
            "  from pg_class c join pg_namespace n on n.oid = c.relnamespace\n",
            "  where c.relkind = 'r' and c.relpersistence <> 't'\n",
            "    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)' \\gexec\n",
            "commit;\n",
            "EOF\n"
        )
    };
}

/// A baseline, in the form that the provider reads.
pub const BASELINE: [&str; 2] = [
    concat!(
        measured!(),
        "jq --raw-input --null-input --arg taken \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\" --arg database {{q with.database}} ",
        "{{#if with.tables}}--argjson only {{q with.tables}} {{/if}}'\n",
        "  [inputs / \"|\"{{#if with.tables}} | select(.[0] as $name | $only | index($name)){{/if}}\n",
        "    | {key: .[0], value: {rows: (.[1] | tonumber), digest: .[2]} }] | from_entries\n",
        "  | {format: 1, run: \"by-hand\", operation: \"by-hand\", taken: $taken, database: $database, tables: .}\n",
        "' {{q with.database}}.measured > {{q with.write-to}}"
    ),
    "{{#if told.file}}{{told.file}}={{q with.write-to}}{{/if}}",
];

/// What a baseline has and the database has otherwise.
pub const COMPARE: [&str; 2] = [
    concat!(
        measured!(),
        "jq --raw-output '.tables | to_entries[] | \"\\(.key)|\\(.value.rows)|\\(.value.digest)\"' {{q with.baseline}} ",
        "{{#if (eq with.by \"rows\")}}| cut -d '|' -f 1,2 {{/if}}| sort > {{q with.database}}.expected &&\n",
        "{{#if (eq with.by \"rows\")}}cut -d '|' -f 1,2 {{q with.database}}.measured | sort | {{else}}sort {{q with.database}}.measured | {{/if}}",
        "comm -23 {{q with.database}}.expected -"
    ),
    "# It must print nothing: each line is a table of the baseline (name, rows, digest) that is gone or differs.\
     {{#if with.rows-differ-max}} Rows may differ by {{with.rows-differ-max}} %.{{/if}}",
];

/// Whether a server archives.
pub const ARCHIVING: [&str; 2] = [
    concat!(
        psql!(),
        " --expanded --dbname={{q with.database}} --command='select * from pg_stat_archiver'"
    ),
    "# last_archived_time must be {{#if with.rpo}}at most {{with.rpo}} ago{{else}}of now{{/if}}, and last_failed_time older than it.",
];
