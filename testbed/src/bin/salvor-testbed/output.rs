//! Turns results into lines of standard output, progress and errors into lines of standard error.

/// Prints a line of the result.
#[expect(clippy::print_stdout, reason = "the one place that prints results")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Prints a line of progress.
#[expect(clippy::print_stderr, reason = "the one place that prints progress")]
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}

/// Prints an error and what it was caused by.
pub(crate) fn error(error: &anyhow::Error) {
    progress(&format!("error: {error:#}"));
}
