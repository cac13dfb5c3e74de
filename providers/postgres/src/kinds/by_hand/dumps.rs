//! Dumps and base backups.
//!
//! A dump is loaded in one transaction. One that replaces a database is loaded under another name and gets its name when
//! it is whole, as the provider does it.

use crate::kinds::by_hand::aws;
use crate::kinds::by_hand::client;
use crate::kinds::by_hand::psql;

/// The dump on this machine: where it lies, or where it is fetched to.
macro_rules! dump {
    () => {
        "{{#if (local store.url)}}{{q (folder store.url)}}{{q point.details.key}}{{else}}{{q with.database}}.fetched{{/if}}"
    };
}

/// The text of a dump, and the database that it is loaded into.
macro_rules! unpacked {
    () => {
        "{{q with.database}}.sql"
    };
}

macro_rules! loaded {
    () => {
        "{{q with.database}}{{#if (eq with.as \"replace\")}}_new{{/if}}"
    };
}

macro_rules! load_text {
    ($file:expr) => {
        concat!(
            psql!(),
            " --single-transaction --dbname=",
            loaded!(),
            " --file=",
            $file
        )
    };
}

macro_rules! load_archive {
    () => {
        concat!(
            client!("pg_restore --exit-on-error --single-transaction"),
            "{{#unless with.keep-owners}} --no-owner{{/unless}}{{#unless with.keep-grants}} --no-privileges{{/unless}} --dbname=",
            loaded!(),
            " ",
            dump!()
        )
    };
}

/// A form of dumps: what was seen of the recovery point, else what the names of the store's dumps end in.
macro_rules! is {
    ($format:literal, $end:literal) => {
        concat!(
            "(or (eq point.details.format \"",
            $format,
            "\") (ends store.pattern \"",
            $end,
            "\"))"
        )
    };
}

macro_rules! fetch {
    () => {
        concat!(
    aws!("s3 cp"),
    "{{#if (eq point.details.format \"directory\")}}--recursive {{/if}}{{q (folder store.url)}}{{q point.details.key}} ",
    dump!()
        )
    };
}

macro_rules! unpack {
    () => {
        concat!(
            "{{#if ",
            is!("plain-gzip", ".gz"),
            "}}gunzip --stdout ",
            dump!(),
            " > ",
            unpacked!(),
            "{{/if}}{{#if ",
            is!("plain-zstd", ".zst"),
            "}}zstd --decompress --stdout ",
            dump!(),
            " > ",
            unpacked!(),
            "{{/if}}"
        )
    };
}

/// An empty database. One that is to replace another has its owner, encoding and locale.
macro_rules! create {
    () => {
        concat!(
    "{{#if (eq with.as \"replace\")}}",
    psql!(),
    " --dbname={{q with.maintenance-database}} --set=db={{q with.database}} <<'EOF' &&\n",
    "select coalesce(\n",
    "  (select format('create database %I template template0 owner %I encoding %L lc_collate %L lc_ctype %L',\n",
    "    :'db' || '_new', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)\n",
    "    from pg_database where datname = :'db'),\n",
    "  format('create database %I template template0', :'db' || '_new')) \\gexec\n",
    "EOF\n",
    "{{else}}",
    client!("createdb"),
    " --template=template0 --maintenance-db={{q with.maintenance-database}} {{q with.database}} &&\n{{/if}}"
        )
    };
}

macro_rules! load {
    () => {
        concat!(
    "{{#if (or ",
    is!("plain-gzip", ".gz"),
    " ",
    is!("plain-zstd", ".zst"),
    ")}}",
    load_text!(unpacked!()),
    "{{else}}{{#if ",
    is!("plain", ".sql"),
    "}}",
    load_text!(dump!()),
    "{{else}}{{#if (or (eq point.details.format \"directory\") (or ",
    is!("custom", ".dump"),
    " (or (ends store.pattern \".custom\") (or (ends store.pattern \".pgdump\") (ends store.pattern \".backup\")))))}}",
    load_archive!(),
    "{{else}}case {{q point.details.key}} in\n",
    "*.gz) gunzip --stdout ",
    dump!(),
    " > ",
    unpacked!(),
    " && ",
    load_text!(unpacked!()),
    " ;;\n",
    "*.zst) zstd --decompress --stdout ",
    dump!(),
    " > ",
    unpacked!(),
    " && ",
    load_text!(unpacked!()),
    " ;;\n",
    "*.sql) ",
    load_text!(dump!()),
    " ;;\n",
    "*) ",
    load_archive!(),
    " ;;\n",
    "esac{{/if}}{{/if}}{{/if}}"
        )
    };
}

/// The names change hands in one transaction. Whoever was shut out for it is let in again, also when it failed.
macro_rules! swap {
    () => {
        concat!(
    "{{#if (eq with.as \"replace\")}} &&\n",
    psql!(),
    " --dbname={{q with.maintenance-database}} --set=db={{q with.database}} <<'EOF'",
    "{{#unless with.keep-old}} && ",
    client!("dropdb"),
    " --maintenance-db={{q with.maintenance-database}} {{q with.database}}_old{{/unless}}\n",
    "select :'db' || '_new' as new, :'db' || '_old' as old,\n",
    "  exists(select from pg_database where datname = :'db') as is_there \\gset\n",
    "\\if :is_there\n",
    "  alter database :\"db\" allow_connections false;\n",
    "  select count(pg_terminate_backend(pid)) from pg_stat_activity\n",
    "    where datname in (:'db', :'new') and pid <> pg_backend_pid();\n",
    "  \\set ON_ERROR_STOP 0\n",
    "  begin;\n",
    "  alter database :\"db\" rename to :\"old\";\n",
    "  alter database :\"new\" rename to :\"db\";\n",
    "  alter database :\"old\" allow_connections true;\n",
    "  commit;\n",
    "  alter database :\"db\" allow_connections true;\n",
    "  \\set ON_ERROR_STOP 1\n",
    "  select exists(select from pg_database where datname = :'new') as is_left \\gset\n",
    "  \\if :is_left\n",
    "    \\warn 'The database was not replaced: see the error above, and try this command again.'\n",
    "    alter database :\"new\" rename to :\"db\";\n",
    "  \\endif\n",
    "\\else\n",
    "  alter database :\"new\" rename to :\"db\";\n",
    "\\endif\n",
    "EOF{{/if}}"
        )
    };
}

/// A dump into a database.
pub const RESTORE_DUMP: [&str; 6] = [
    "{{#if (eq with.as \"replace\")}}# It is loaded as {{with.database}}_new while {{with.database}} goes on; then they \
         change names{{#if with.keep-old}}, and the old one is kept as {{with.database}}_old{{/if}}. A database \
         {{with.database}}_new or {{with.database}}_old of an earlier try has to go first.\
         {{else}}# Nothing of a load that fails stays but the empty database: drop it before the next try.{{/if}}",
    concat!(
        "{{#unless (or (eq point.details.format \"directory\") ",
        is!("custom", ".dump"),
        ")}}# psql runs programs that a plain dump names (lines that begin with \\!): look into one that others could \
         write.{{/unless}}"
    ),
    // One template: it becomes one command, of which no part is done when the one before it failed.
    concat!(
        "{{#unless (local store.url)}}",
        fetch!(),
        " &&\n{{/unless}}",
        create!(),
        "{{#if (or ",
        is!("plain-gzip", ".gz"),
        " ",
        is!("plain-zstd", ".zst"),
        ")}}",
        unpack!(),
        " &&\n{{/if}}",
        load!(),
        swap!()
    ),
    "{{#if told.database}}{{told.database}}={{q with.database}}{{/if}}",
    "{{#if told.host}}{{told.host}}={{q with.host}}{{/if}}",
    "{{#if told.port}}{{told.port}}={{q with.port}}{{/if}}",
];

/// A dump of a database.
pub const DUMP: [&str; 3] = [
    concat!(
        client!("pg_dump"),
        " --format={{#if (ends with.key \".dump\")}}custom{{else}}plain{{#if (ends with.key \".gz\")}} \
         --compress=6{{/if}}{{/if}} --dbname={{q with.database}} --file=",
        "{{#if (local store.url)}}{{q (folder store.url)}}{{q with.key}}{{else}}{{q with.database}}.dumped &&\n",
        aws!("s3 cp"),
        "{{q with.database}}.dumped {{q (folder store.url)}}{{q with.key}}{{/if}}"
    ),
    "{{#if told.key}}{{told.key}}={{q with.key}}{{/if}}",
    "# Nothing shows yet that it can be restored: restore it under another name.",
];

/// A base backup of a server.
pub const BASE_BACKUP: [&str; 2] = [
    concat!(
        client!("pg_basebackup"),
        " --format=plain --checkpoint=fast --wal-method=none --manifest-checksums=SHA256 \
         --pgdata={{q (folder store.base)}}{{q with.name}}"
    ),
    "{{#if told.name}}{{told.name}}={{q with.name}}{{/if}}",
];
