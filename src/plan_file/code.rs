//! The kinds of problems that a plan can have: the one list of them.

use std::fmt;

/// The kinds of problems. Stable: tests and tools name them. New ones go before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "`summary` says it of each")]
pub enum Code {
    FileNotReadable,
    FileTooLarge,
    TooDeep,
    TooMany,
    Syntax,
    DeceptiveCharacter,
    PathEscapes,
    IncludeCycle,
    NewerFormat,
    UnknownKey,
    MissingKey,
    WrongType,
    BadName,
    BadValue,
    Duplicate,
    UnknownKind,
    UnknownProvider,
    NoSuchAction,
    UnknownStore,
    UnknownStep,
    UnknownInput,
    UnknownOutput,
    UnknownTable,
    UnknownSet,
    UnknownScenario,
    UnknownReference,
    TemplateSyntax,
    BadCondition,
    Cycle,
    AbsentStep,
    ShellExpression,
    TimeWithoutZone,
    TimeByZoneName,
    RelativeTime,
    NumberForText,
    BadDuration,
    TypeMismatch,
    SecretAsText,
    SecretInOpenPlace,
    NotKnownBeforeRun,
    MissingInput,
    FixedInput,
    DuplicateTarget,
    ReadWhileWritten,
    NeverTrue,
    RpoBelowBackup,
    RtoBelowSteps,
    RetentionBelowWindow,
    RetentionUneven,
    GenerationWithoutUse,
    InvariantBroken,
    TooFewCopies,
    NotVerified,
    KeyNotApart,
    NeededByItself,
    LostSite,
    NotBroughtBack,
    NotFenced,
    SetInPart,
    ChainExpires,
    NotScheduled,
    NotTakenOver,
    RevokedReturns,
    UnkeyedSteps,
    Trap,
    Unused,
}

impl Code {
    /// All of them, in their order.
    pub const ALL: [Self; Self::Unused as usize + 1] = [
        Self::FileNotReadable,
        Self::FileTooLarge,
        Self::TooDeep,
        Self::TooMany,
        Self::Syntax,
        Self::DeceptiveCharacter,
        Self::PathEscapes,
        Self::IncludeCycle,
        Self::NewerFormat,
        Self::UnknownKey,
        Self::MissingKey,
        Self::WrongType,
        Self::BadName,
        Self::BadValue,
        Self::Duplicate,
        Self::UnknownKind,
        Self::UnknownProvider,
        Self::NoSuchAction,
        Self::UnknownStore,
        Self::UnknownStep,
        Self::UnknownInput,
        Self::UnknownOutput,
        Self::UnknownTable,
        Self::UnknownSet,
        Self::UnknownScenario,
        Self::UnknownReference,
        Self::TemplateSyntax,
        Self::BadCondition,
        Self::Cycle,
        Self::AbsentStep,
        Self::ShellExpression,
        Self::TimeWithoutZone,
        Self::TimeByZoneName,
        Self::RelativeTime,
        Self::NumberForText,
        Self::BadDuration,
        Self::TypeMismatch,
        Self::SecretAsText,
        Self::SecretInOpenPlace,
        Self::NotKnownBeforeRun,
        Self::MissingInput,
        Self::FixedInput,
        Self::DuplicateTarget,
        Self::ReadWhileWritten,
        Self::NeverTrue,
        Self::RpoBelowBackup,
        Self::RtoBelowSteps,
        Self::RetentionBelowWindow,
        Self::RetentionUneven,
        Self::GenerationWithoutUse,
        Self::InvariantBroken,
        Self::TooFewCopies,
        Self::NotVerified,
        Self::KeyNotApart,
        Self::NeededByItself,
        Self::LostSite,
        Self::NotBroughtBack,
        Self::NotFenced,
        Self::SetInPart,
        Self::ChainExpires,
        Self::NotScheduled,
        Self::NotTakenOver,
        Self::RevokedReturns,
        Self::UnkeyedSteps,
        Self::Trap,
        Self::Unused,
    ];

    /// True for what is said of a plan because something stands in none of its files.
    pub const fn is_of_all_files(self) -> bool {
        matches!(
            self,
            Self::UnknownStore
                | Self::UnknownStep
                | Self::UnknownInput
                | Self::UnknownTable
                | Self::UnknownSet
                | Self::UnknownScenario
                | Self::NeverTrue
                | Self::NotVerified
                | Self::LostSite
                | Self::NotBroughtBack
                | Self::NotFenced
                | Self::SetInPart
                | Self::NotScheduled
                | Self::NotTakenOver
                | Self::RevokedReturns
                | Self::Unused
        )
    }

    /// What problems of this kind have in common: one sentence.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::FileNotReadable => "A file that the plan names cannot be read.",
            Self::FileTooLarge => "A file is longer than a plan may be.",
            Self::TooDeep => "Tables or lists are nested too deep.",
            Self::TooMany => {
                "There are more files, steps or combinations of inputs than are checked."
            }
            Self::Syntax => "A text is not TOML.",
            Self::DeceptiveCharacter => "A character makes a text look like another.",
            Self::PathEscapes => "A file is named by a path that does not travel with the plan.",
            Self::IncludeCycle => "A file includes itself.",
            Self::NewerFormat => "The plan is written in a format that this version does not know.",
            Self::UnknownKey => "A key is not one of those that its table takes.",
            Self::MissingKey => "A key that must be there is not.",
            Self::WrongType => "A value is of another type than its key takes.",
            Self::BadName => "A name is not one that a plan can give.",
            Self::BadValue => "A value is not one of those that are allowed.",
            Self::Duplicate => "Something is defined or said twice.",
            Self::UnknownKind => "A kind of store or action is not in this binary.",
            Self::UnknownProvider => "A provider is not in this binary.",
            Self::NoSuchAction => "A store cannot be restored, backed up or verified in this way.",
            Self::UnknownStore => "A store that is named is not in the plan.",
            Self::UnknownStep => "A step that is named is not in the plan.",
            Self::UnknownInput => "An input that is named is not in the plan.",
            Self::UnknownOutput => {
                "An action or a variant does not have the output that is referred to."
            }
            Self::UnknownTable => "A table, row or column that is referred to is not in the plan.",
            Self::UnknownSet => "A set that is referred to is not in the plan.",
            Self::UnknownScenario => "A scenario that is named is not in the plan.",
            Self::UnknownReference => "An expression refers to nothing.",
            Self::TemplateSyntax => "The expression between braces cannot be read.",
            Self::BadCondition => "A condition cannot be read, or asks what cannot be answered.",
            Self::Cycle => "Steps wait for each other.",
            Self::AbsentStep => "A step is used where its condition leaves it out.",
            Self::ShellExpression => "A value expects a shell, or depends on the day it is used.",
            Self::TimeWithoutZone => "A moment is written without its zone.",
            Self::TimeByZoneName => {
                "A moment is written with the name of a zone instead of its offset."
            }
            Self::RelativeTime => "A moment is said by the day on which it is read.",
            Self::NumberForText => "A number stands where an id or another text belongs.",
            Self::BadDuration => "A length of time cannot be read.",
            Self::TypeMismatch => "An expression says a value of another type than is taken there.",
            Self::SecretAsText => "A secret stands in the plan itself.",
            Self::SecretInOpenPlace => "A secret is put where it can be read.",
            Self::NotKnownBeforeRun => {
                "A value that must be known before the run refers to the run."
            }
            Self::MissingInput => "An input was not given.",
            Self::FixedInput => "An input was given that the scenario fixes otherwise.",
            Self::DuplicateTarget => "Two steps in no order write the same thing.",
            Self::ReadWhileWritten => "A step reads what another writes, in no order.",
            Self::NeverTrue => "A condition never holds.",
            Self::RpoBelowBackup => "Backups are further apart than the objective allows.",
            Self::RtoBelowSteps => "Steps are expected to take longer than the objective allows.",
            Self::RetentionBelowWindow => {
                "Backups are kept shorter than the window that rests on them."
            }
            Self::RetentionUneven => "Stores of one scenario are kept for different lengths.",
            Self::GenerationWithoutUse => {
                "A generation of backups keeps nothing that is not kept without it."
            }
            Self::InvariantBroken => {
                "A rule between stores does not hold by the plan's own numbers."
            }
            Self::TooFewCopies => {
                "A store has fewer copies, or nearer ones, than the plan demands."
            }
            Self::NotVerified => "A copy is said to be verified by what does not touch its store.",
            Self::KeyNotApart => "A key lies with what it opens, or opens all there is.",
            Self::NeededByItself => "A store is needed to bring itself back.",
            Self::LostSite => "A scenario needs what is lost with its site.",
            Self::NotBroughtBack => "A scenario loses a store and nothing of it brings it back.",
            Self::NotFenced => "A store is restored while writers may come back to the old one.",
            Self::SetInPart => "A scenario restores a part of what belongs together.",
            Self::ChainExpires => "Points expire by age that newer ones may need.",
            Self::NotScheduled => "Nothing says how often a store or set is backed up.",
            Self::NotTakenOver => "A store is restored elsewhere and nothing is told where.",
            Self::RevokedReturns => {
                "Keys are restored as they were, those that were revoked among them."
            }
            Self::UnkeyedSteps => "Steps cannot be repeated safely when they are interrupted.",
            Self::Trap => "A known trap of the service.",
            Self::Unused => "Something is defined and not used.",
        }
    }
}

/// Prints `unknown-store`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !text.is_empty() {
                text.push('-');
            }
            text.push(c.to_ascii_lowercase());
        }
        f.pad(&text)
    }
}
