//! Collects what does not conform into one text that a test can fail with.

use std::fmt;

/// What does not conform, one line each. Made by the checks, never empty when it is returned.
///
/// `Debug` prints the same text as `Display`, so that a test which returns or unwraps it is readable.
pub struct Report {
    subject: String,
    problems: Vec<String>,
}

impl Report {
    /// An empty report on this subject.
    pub(crate) fn on(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            problems: Vec::new(),
        }
    }

    /// Adds a problem.
    pub(crate) fn add(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Adds a problem unless `holds`.
    pub(crate) fn demand(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.add(problem());
        }
    }

    /// The report as a result: an error when there is a problem.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }

    /// The problems, in the order in which they were found.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not conform:", self.subject)?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Report {}
