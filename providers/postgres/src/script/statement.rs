//! Judges one statement of a dump: what `pg_dump` writes is run, everything else is refused.
//!
//! The list is one of what is allowed, so that a new statement of the server is refused until it was
//! looked at. It cannot judge what a function does when the restore calls it (triggers, defaults,
//! index expressions): against that only a role without rights on the server helps.

use crate::script::call_of_dump::is_call_of_dump;

/// What to do with a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Send it.
    Run,
    /// Send it; it makes a table.
    RunTable,
    /// Send it, then the rows that follow.
    Copy,
    /// Leave it out.
    Skip,
    /// Stop the restore.
    Refuse(String),
}

/// Which statements are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Keep `ALTER … OWNER TO` and `SET SESSION AUTHORIZATION`.
    pub owners: bool,
    /// Keep `GRANT`, `REVOKE` and `ALTER DEFAULT PRIVILEGES`.
    pub grants: bool,
    /// The server's version as it numbers itself: `150018`.
    pub server_version: u32,
}

/// Judges a statement.
pub fn judge(text: &str, wanted: &Wanted) -> Treatment {
    let tokens = tokens(text);
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let refuse = |why: &str| Treatment::Refuse(why.to_owned());
    match words.as_slice() {
        [] => Treatment::Skip,
        ["COPY", ..] if is_copy_from_stdin(text) => Treatment::Copy,
        ["COPY", ..] => refuse("COPY is taken FROM stdin only, not from files or programs"),
        // The whole restore is one transaction; `pg_dump` writes these around large objects.
        ["BEGIN"] | ["COMMIT"] | ["BEGIN" | "COMMIT", "TRANSACTION" | "WORK"] => Treatment::Skip,
        ["SET", "SESSION", "AUTHORIZATION", ..] if !wanted.owners => Treatment::Skip,
        ["SET", "TRANSACTION_TIMEOUT", ..] if wanted.server_version < 170_000 => Treatment::Skip,
        ["SET", "CLIENT_ENCODING", "=", value]
            if !matches!(*value, "'UTF8'" | "'SQL_ASCII'" | "'utf8'" | "'UTF-8'") =>
        {
            Treatment::Refuse(format!(
                "the dump is in encoding {value}: make it with --encoding=UTF8"
            ))
        }
        ["SET", "STANDARD_CONFORMING_STRINGS", "=", value]
            if !value.trim_matches('\'').eq_ignore_ascii_case("on") =>
        {
            refuse("dumps with standard_conforming_strings = off are not taken")
        }
        ["SET" | "RESET", ..] => Treatment::Run,
        ["SELECT", ..] if is_call_of_dump(&words) => Treatment::Run,
        ["SELECT", ..] => refuse("pg_dump writes no SELECT but single calls of its own functions"),
        ["GRANT" | "REVOKE", ..] | ["ALTER", "DEFAULT", "PRIVILEGES", ..] if !wanted.grants => {
            Treatment::Skip
        }
        ["ALTER", .., "OWNER", "TO", _] if !wanted.owners => Treatment::Skip,
        ["COMMENT", "ON", "DATABASE", ..] => Treatment::Skip,
        ["GRANT" | "REVOKE", ..] if grants_beyond_database(&words) => refuse(
            "roles and grants on whole databases or tablespaces are not part of a database's dump",
        ),
        ["CREATE" | "ALTER" | "DROP", "USER", "MAPPING", ..] => Treatment::Run,
        [
            "CREATE" | "ALTER" | "DROP",
            "ROLE" | "USER" | "GROUP" | "DATABASE" | "TABLESPACE" | "SYSTEM",
            ..,
        ] => Treatment::Refuse(format!(
            "{} {} changes more than the database that is restored (a dump made with --create or pg_dumpall)",
            words[0], words[1]
        )),
        ["CREATE", "TABLE", ..] | ["CREATE", "UNLOGGED" | "FOREIGN", "TABLE", ..] => {
            if words[1] == "FOREIGN" {
                Treatment::Run
            } else {
                Treatment::RunTable
            }
        }
        [
            "CREATE" | "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE" | "INSERT" | "SECURITY"
            | "REFRESH" | "ANALYZE",
            ..,
        ] => Treatment::Run,
        [first, ..] => Treatment::Refuse(format!("{first} is not a statement that pg_dump writes")),
    }
}

/// Whether the statement is `COPY name [(columns)] FROM STDIN …`, so that rows follow.
pub fn is_copy_from_stdin(text: &str) -> bool {
    if !text
        .as_bytes()
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"copy"))
    {
        return false;
    }
    let tokens = tokens(text);
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let mut rest = &words[1..];
    // The name: parts with dots between them.
    loop {
        match rest {
            [part, ".", tail @ ..] if is_name(part) => rest = tail,
            [part, tail @ ..] if is_name(part) => {
                rest = tail;
                break;
            }
            _ => return false,
        }
    }
    if rest.first() == Some(&"(") {
        match rest.iter().position(|word| *word == ")") {
            Some(end) => rest = &rest[end + 1..],
            None => return false,
        }
    }
    matches!(rest, ["FROM", "STDIN", ..])
}

fn is_name(token: &str) -> bool {
    token
        .chars()
        .next()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '"'))
}

/// `GRANT role TO role`, `GRANT … ON DATABASE …`, `GRANT … ON TABLESPACE …`.
fn grants_beyond_database(words: &[&str]) -> bool {
    match words.iter().position(|word| *word == "ON") {
        Some(at) => matches!(
            words.get(at + 1),
            Some(&("DATABASE" | "TABLESPACE" | "PARAMETER"))
        ),
        None => true,
    }
}

/// Words in upper case, quoted names and texts as they are, other characters one by one. Of statements that
/// are judged by their head alone, which can be long, only the first ones.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text;
    let mut limit = usize::MAX;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        let length = if matches!(first, 'e' | 'E') && rest[1..].starts_with('\'') {
            1 + quoted_length(&rest[1..], '\'', Escapes::Backslash)
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
                .unwrap_or(rest.len())
        } else if matches!(first, '"' | '\'') {
            quoted_length(rest, first, Escapes::None)
        } else {
            first.len_utf8()
        };
        let token = if rest[..length].ends_with(['"', '\'']) {
            rest[..length].to_owned()
        } else {
            rest[..length].to_uppercase()
        };
        if tokens.is_empty()
            && !matches!(
                token.as_str(),
                "COPY" | "ALTER" | "GRANT" | "REVOKE" | "SELECT"
            )
        {
            limit = 16;
        }
        tokens.push(token);
        if tokens.len() == limit {
            break;
        }
        rest = &rest[length..];
    }
    tokens
}

/// Whether a backslash takes the meaning of the character behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    Backslash,
}

fn quoted_length(text: &str, quote: char, escapes: Escapes) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && escapes == Escapes::Backslash {
            characters.next();
        } else if character == quote {
            if characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return at + 1;
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::Treatment;
    use super::Wanted;
    use super::judge;

    const ALL: Wanted = Wanted {
        owners: true,
        grants: true,
        server_version: 150_000,
    };
    const BARE: Wanted = Wanted {
        owners: false,
        grants: false,
        server_version: 170_000,
    };

    #[test]
    fn what_pg_dump_writes_is_run() {
        for (text, wanted, expected) in [
            ("SET statement_timeout = 0", ALL, Treatment::Run),
            ("SET client_encoding = 'UTF8'", ALL, Treatment::Run),
            ("SET transaction_timeout = 0", ALL, Treatment::Skip),
            ("SET transaction_timeout = 0", BARE, Treatment::Run),
            (
                "SELECT pg_catalog.set_config('search_path', '', false)",
                ALL,
                Treatment::Run,
            ),
            ("SELECT pg_catalog.lo_create('16401')", ALL, Treatment::Run),
            (
                "SELECT pg_catalog.lo_open(pg_catalog.lo_create('16401'), 131072)",
                ALL,
                Treatment::Run,
            ),
            (
                "SELECT pg_catalog.lowrite(0, '\\x00ff')",
                ALL,
                Treatment::Run,
            ),
            (
                "SELECT pg_catalog.setval('public.\"it''s (1)\"', -5, true)",
                ALL,
                Treatment::Run,
            ),
            (
                "SELECT pg_catalog.setval(E'public.\"a\\\\(\"', 5, true)",
                ALL,
                Treatment::Run,
            ),
            (
                "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '7'",
                ALL,
                Treatment::Run,
            ),
            (
                "SELECT * FROM pg_catalog.pg_restore_relation_stats('relname', 't', 'relpages', '1'::integer)",
                ALL,
                Treatment::Run,
            ),
            ("CREATE TABLE public.t (a int)", ALL, Treatment::RunTable),
            ("CREATE UNLOGGED TABLE t (a int)", ALL, Treatment::RunTable),
            (
                "ALTER TABLE public.t OWNER TO \"app user\"",
                ALL,
                Treatment::Run,
            ),
            (
                "ALTER TABLE public.t OWNER TO \"app user\"",
                BARE,
                Treatment::Skip,
            ),
            ("GRANT SELECT ON TABLE t TO r", BARE, Treatment::Skip),
            ("CREATE USER MAPPING FOR a SERVER b", ALL, Treatment::Run),
            (
                "COPY public.\"a.b\" (x, \"y)\") FROM stdin",
                ALL,
                Treatment::Copy,
            ),
            ("BEGIN", ALL, Treatment::Skip),
        ] {
            assert_eq!(judge(text, &wanted), expected, "{text}");
        }
    }

    #[test]
    fn what_reaches_beyond_the_database_is_refused() {
        for text in [
            "COPY t FROM PROGRAM 'id'",
            "COPY t FROM '/etc/passwd'",
            "COPY (SELECT 1) TO PROGRAM 'id'",
            "COPY t (a) FROM PROGRAM 'echo FROM stdin'",
            "DO $$ BEGIN END $$",
            "CALL p()",
            "SELECT evil()",
            "SELECT pg_catalog.pg_read_file('x')",
            "SELECT pg_catalog.lo_export(1, '/etc/cron.d/x')",
            "SELECT pg_catalog.lo_import('/etc/passwd')",
            "SELECT pg_catalog.set_config('a', 'b', false), pg_read_file('x')",
            "SELECT pg_catalog.set_config('a', pg_read_file('x'), false)",
            "SELECT pg_catalog.set_config('a', pg_catalog.pg_read_file('x'), false)",
            "SELECT pg_catalog.set_config('a', (SELECT 1), false)",
            "SELECT pg_catalog.set_config('a', 'b', false) FROM t",
            "SELECT pg_catalog.set_config(E'a\\'', evil(), 'b', false)",
            "SELECT pg_catalog.set_config(/*'*/evil()/*'*/, 'b', false)",
            "SELECT pg_catalog.set_config(--'\nevil(), --'\n'b', false)",
            "SELECT pg_catalog.set_config($a$'$a$, evil(), $a$'$a$, false)",
            "SELECT pg_catalog.set_config('a', \"evil\"(), false)",
            "ALTER SYSTEM SET archive_command = 'x'",
            "CREATE ROLE r SUPERUSER",
            "ALTER USER postgres PASSWORD 'x'",
            "CREATE DATABASE d",
            "GRANT a TO b",
            "GRANT ALL ON DATABASE d TO b",
            "ROLLBACK",
            "COMMIT PREPARED 'x'",
            "SET client_encoding = 'LATIN1'",
            "SET standard_conforming_strings = off",
            "LOAD 'x'",
        ] {
            assert!(matches!(judge(text, &ALL), Treatment::Refuse(_)), "{text}");
        }
    }
}
