//! The exit codes of the command, each with one meaning.

use std::process::ExitCode;

/// How a command ended. `docs/commands.md` lists them for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well; with `plan --detailed-exitcode`: nothing is to be done.
    Ok,
    /// A mistake in salvor itself, or something that it did not expect of the machine.
    Bug,
    /// Wrong arguments.
    Usage,
    /// The plan is not valid; the problems were printed.
    InvalidPlan,
    /// Refused: a stale or consumed change set, a lock that is held, a confirmation that was not given, a state
    /// folder that cannot be used, a journal that is not trusted.
    Refused,
    /// A step failed or its outcome is unknown; the run can be resumed.
    StepFailed,
    /// The verdict is negative, or `status` found something late.
    Negative,
    /// With `plan --detailed-exitcode`: there is something to do.
    Changes,
    /// Interrupted by a signal; the run can be resumed.
    Interrupted,
    /// The end of a program that the hidden verb `guard` ran.
    OfProgram(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::InvalidPlan => 3,
            Self::Refused => 4,
            Self::StepFailed => 5,
            Self::Negative => 6,
            Self::Changes => 10,
            Self::Interrupted => 130,
            Self::OfProgram(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
