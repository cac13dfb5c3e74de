//! What a script is cut into, and why one is not taken.

/// One statement of a script, without the comments around it and without its semicolon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its text.
    pub text: String,
}

/// What a line gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Fed<'a> {
    /// These statements ended on the line; often none.
    Statements(Vec<Statement>),
    /// The line is a row of the `COPY` that is open.
    Row(&'a [u8]),
    /// The line ends the rows of the `COPY`.
    RowsEnd,
}

/// Why a script is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A command for `psql`, not for the server.
    #[error(
        "line {line}: `{command}` is a command for psql, which can run programs; it is not executed"
    )]
    MetaCommand {
        /// The line.
        line: u64,
        /// The command's first word.
        command: String,
    },
    /// Bytes that are not UTF-8 in a statement.
    #[error("line {line}: the statement is not UTF-8")]
    NotUtf8 {
        /// The line on which the statement begins.
        line: u64,
    },
    /// A statement longer than the server takes.
    #[error("line {line}: the statement is longer than 1 GiB")]
    TooLong {
        /// The line on which the statement begins.
        line: u64,
    },
    /// Text after `COPY … FROM stdin;` on its line.
    #[error("line {line}: text follows `COPY … FROM stdin;`")]
    AfterCopy {
        /// The line.
        line: u64,
    },
    /// The script ends in the middle of something.
    #[error("the dump ends at line {line} within {within}: it was cut off")]
    CutOff {
        /// The last line.
        line: u64,
        /// What was open.
        within: &'static str,
    },
    /// The script has the head of a dump and not its tail.
    #[error(
        "the dump ends at line {line} without `PostgreSQL database dump complete`: it was cut off"
    )]
    NoTail {
        /// The last line.
        line: u64,
    },
}
