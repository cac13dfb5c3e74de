//! The keys of the language, as data: the check of unknown keys, the JSON Schema and the documentation are
//! made from these tables and from nothing else.

/// The format of the language that this version reads.
pub const FORMAT: i64 = 1;

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it is for, one sentence.
    pub help: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Text that stands for itself.
    Text,
    /// Text that may hold `{{ }}`.
    Template,
    /// The name of something that the plan defines.
    Name,
    /// A list of names.
    Names,
    /// A list of texts.
    Texts,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A length of time, or a template that says one.
    Period,
    /// A length of time, a template, or a place in a table of the plan.
    Objective,
    /// A condition over inputs: `mode == in-place`.
    Condition,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table of tables, each under a name that the plan gives.
    Named(&'static [Key]),
    /// A list of tables.
    List(&'static [Key]),
    /// A table of names and texts.
    TextMap,
    /// A table of names and whole numbers.
    IntegerMap,
    /// Text or a table with these keys.
    TextOrTable(&'static [Key]),
    /// A table whose values are checked against a kind, an input or nothing.
    Free,
    /// Any value.
    Any,
}

const fn may(name: &'static str, takes: Takes, help: &'static str) -> Key {
    Key {
        name,
        takes,
        is_required: false,
        help,
    }
}

const fn must(name: &'static str, takes: Takes, help: &'static str) -> Key {
    Key {
        name,
        takes,
        is_required: true,
        help,
    }
}

/// The sections of `plan.toml` and of the files that it includes.
pub const ROOT: &[Key] = &[
    must("format", Takes::Integer, "The format of the language: 1."),
    must("plan", Takes::Table(PLAN), "What the plan is."),
    may(
        "include",
        Takes::Texts,
        "Further files whose sections belong to this plan.",
    ),
    may(
        "state",
        Takes::Text,
        "Where runs and locks are kept; below the plan's folder when relative.",
    ),
    may("inputs", Takes::Named(INPUT), "What the operator gives."),
    may("tables", Takes::Free, "Values to be looked up by an input."),
    may(
        "providers",
        Takes::Free,
        "The configuration of each provider.",
    ),
    may("stores", Takes::Named(STORE), "What can be lost."),
    may("steps", Takes::Named(STEP), "What is done."),
    may(
        "groups",
        Takes::Named(GROUP),
        "Steps and stores from a file that several plans share.",
    ),
    may(
        "variants",
        Takes::Named(VARIANT),
        "Parts of the plan that an input chooses.",
    ),
    may(
        "sets",
        Takes::Named(SET),
        "Stores that are backed up together.",
    ),
    may("scenarios", Takes::Named(SCENARIO), "Named goals."),
    may(
        "invariants",
        Takes::List(INVARIANT),
        "Rules between stores.",
    ),
    may("drills", Takes::Named(DRILL), "Rehearsals."),
    may("notify", Takes::List(NOTIFY), "Who is told, and when."),
    may(
        "limits",
        Takes::Table(LIMITS),
        "How much may go on at once.",
    ),
];

/// `[plan]`.
pub const PLAN: &[Key] = &[
    must("name", Takes::Name, "The plan's name."),
    must("title", Takes::Text, "One line for people."),
    may(
        "refer",
        Takes::Text,
        "The document that the plan stands for.",
    ),
    may("owner", Takes::Text, "Who answers for it."),
];

/// `[inputs]`.
pub const INPUT: &[Key] = &[
    must(
        "type",
        Takes::OneOf(&[
            "string", "integer", "number", "boolean", "enum", "list", "map", "duration", "size",
            "time", "url", "version", "file", "secret",
        ]),
        "What values it takes.",
    ),
    may(
        "of",
        Takes::Any,
        "The words of an enum, or the type of a list's or map's values.",
    ),
    may(
        "pattern",
        Takes::Text,
        "A regular expression that the text must match.",
    ),
    may("default", Takes::Any, "The value when none is given."),
    may(
        "optional",
        Takes::Boolean,
        "Whether it may be left out without a default.",
    ),
    may(
        "absolute",
        Takes::Boolean,
        "Whether a path may lead out of the plan's folder.",
    ),
    may("help", Takes::Text, "What it is for."),
    may("example", Takes::Any, "A value, to be shown."),
];

/// `[stores.NAME]`.
pub const STORE: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    may(
        "kind",
        Takes::Text,
        "Its kind; left out for what is never touched.",
    ),
    may(
        "class",
        Takes::OneOf(&[
            "authoritative",
            "replicated",
            "rebuildable",
            "ephemeral",
            "external",
            "in-git",
            "key",
        ]),
        "What losing it means; authoritative when left out.",
    ),
    may("with", Takes::Free, "The inputs of its kind."),
    may(
        "rpo",
        Takes::Objective,
        "How much of it may be lost, as time.",
    ),
    may("why", Takes::Text, "Why it is not restored."),
    may(
        "backup",
        Takes::Table(BACKUP),
        "How it is backed up and kept.",
    ),
    may(
        "known",
        Takes::Table(KNOWN),
        "When its recovery points are known.",
    ),
    may(
        "allow-partial",
        Takes::Boolean,
        "Whether points that miss parts may be chosen.",
    ),
];

/// `backup` of a store.
pub const BACKUP: &[Key] = &[
    may(
        "schedule",
        Takes::Template,
        "Five cron fields or @hourly, @daily, @weekly, UTC.",
    ),
    may(
        "keep",
        Takes::IntegerMap,
        "How many to keep: hourly, daily, weekly, monthly, yearly.",
    ),
    may(
        "pitr",
        Takes::Period,
        "Length of the window of point-in-time recovery.",
    ),
    may(
        "interval",
        Takes::Period,
        "How far behind the live store the window may be.",
    ),
    may("retention", Takes::Period, "How long every backup is kept."),
];

/// `known` of a store.
pub const KNOWN: &[Key] = &[
    must(
        "after",
        Takes::Name,
        "The step that makes its points known.",
    ),
    may(
        "when",
        Takes::Condition,
        "When that is so; always, when left out.",
    ),
];

/// `[steps.NAME]`.
pub const STEP: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    may("uses", Takes::Text, "The kind of action that it performs."),
    may("restore", Takes::Name, "The store that it brings back."),
    may("backup", Takes::Name, "The store that it backs up."),
    may("verify", Takes::Name, "The store whose point it proves."),
    may("with", Takes::Free, "The inputs of its action."),
    may(
        "needs",
        Takes::Names,
        "Steps that must have succeeded; they come into every run that it is in.",
    ),
    may(
        "after",
        Takes::Names,
        "Steps that go first when they are in the run as well.",
    ),
    may(
        "when",
        Takes::Condition,
        "When the step is in the plan at all.",
    ),
    may(
        "finally",
        Takes::Boolean,
        "Whether it runs also when the run fails.",
    ),
    may("timeout", Takes::Period, "Its deadline."),
    may(
        "retry",
        Takes::Table(RETRY),
        "How it is tried again after errors that pass.",
    ),
    may(
        "on-failure",
        Takes::OneOf(&["stop", "continue"]),
        "What its failure means for the run.",
    ),
    may("expect", Takes::Period, "How long it usually takes."),
    may(
        "destroys",
        Takes::TextOrTable(DESTROYS),
        "The opt-in to destroying what is there: what, in words.",
    ),
];

/// `retry` of a step.
pub const RETRY: &[Key] = &[
    may(
        "attempts",
        Takes::Integer,
        "Tries in all, the first included.",
    ),
    may(
        "wait",
        Takes::Period,
        "The wait before the second try; doubled each time.",
    ),
    may(
        "wait-max",
        Takes::Period,
        "The longest wait between two tries.",
    ),
];

/// `destroys` of a step.
pub const DESTROYS: &[Key] = &[
    must("what", Takes::Template, "What is destroyed, in words."),
    may("when", Takes::Condition, "When; always, when left out."),
];

/// `[groups.NAME]`.
pub const GROUP: &[Key] = &[
    must(
        "file",
        Takes::Text,
        "The file of the group, relative to the file that names it.",
    ),
    may("with", Takes::Free, "The inputs of the group."),
    may(
        "needs",
        Takes::Names,
        "Steps of the plan that the group's first steps need.",
    ),
    may(
        "after",
        Takes::Names,
        "Steps of the plan that go before the group's first steps.",
    ),
];

/// The file of a group.
pub const GROUP_FILE: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    may("inputs", Takes::Named(INPUT), "What the plan gives."),
    may("stores", Takes::Named(STORE), "What can be lost."),
    may("steps", Takes::Named(STEP), "What is done."),
    may(
        "invariants",
        Takes::List(INVARIANT),
        "Rules between stores of the group.",
    ),
];

/// `[variants.NAME]`.
pub const VARIANT: &[Key] = &[
    must("by", Takes::Name, "The enum input that chooses."),
    must(
        "offers",
        Takes::Names,
        "What every variant must offer: {{NAME.OUTPUT}}.",
    ),
    must(
        "files",
        Takes::TextMap,
        "The file for each value of the input.",
    ),
];

/// The file of one value of a variant.
pub const VARIANT_FILE: &[Key] = &[
    may("offers", Takes::Free, "What each output of the variant is."),
    may("stores", Takes::Named(STORE), "What can be lost."),
    may("steps", Takes::Named(STEP), "What is done."),
];

/// `[sets.NAME]`.
pub const SET: &[Key] = &[
    must("members", Takes::Names, "The stores."),
    may(
        "skew-max",
        Takes::Period,
        "How far the chosen points may lie apart.",
    ),
    may("schedule", Takes::Template, "When it is taken."),
    may("ttl", Takes::Period, "How long it is kept."),
];

/// `[scenarios.NAME]`.
pub const SCENARIO: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    must(
        "goal",
        Takes::Names,
        "The steps to reach; all that they need comes along.",
    ),
    may("inputs", Takes::Free, "Inputs that the scenario fixes."),
    may(
        "rpo",
        Takes::Objective,
        "How much data may be lost, as time.",
    ),
    may("rto", Takes::Objective, "How long it may take."),
];

/// An objective that is looked up in a table of the plan.
pub const OBJECTIVE: &[Key] = &[
    must("table", Takes::Name, "The table."),
    may(
        "by",
        Takes::Name,
        "The input whose value names the row; the one named like the table, when left out.",
    ),
    must("column", Takes::Text, "The column."),
];

/// `[[invariants]]`.
pub const INVARIANT: &[Key] = &[
    may(
        "references",
        Takes::Table(REFERENCES),
        "One store holds references to another.",
    ),
    may(
        "outlives",
        Takes::Table(OUTLIVES),
        "One store must keep longer than another.",
    ),
];

/// `references` of an invariant.
pub const REFERENCES: &[Key] = &[
    must("from", Takes::Name, "The store that holds the references."),
    must("to", Takes::Name, "The store that they point to."),
];

/// `outlives` of an invariant.
pub const OUTLIVES: &[Key] = &[
    must("store", Takes::Name, "The store that must keep longer."),
    must("than", Takes::Name, "The store that depends on it."),
    may(
        "by",
        Takes::Period,
        "By how much, beyond one backup interval.",
    ),
];

/// `[drills.NAME]`.
pub const DRILL: &[Key] = &[
    may("title", Takes::Text, "One line for people."),
    must("scenario", Takes::Name, "The scenario that is rehearsed."),
    must("every", Takes::Period, "How often."),
    may("only", Takes::Names, "Only these steps and what they need."),
    may(
        "profile",
        Takes::OneOf(&["full", "sampled", "integrity"]),
        "How much is verified.",
    ),
    may(
        "isolate",
        Takes::Table(ISOLATE),
        "How targets are kept apart from production.",
    ),
];

/// `isolate` of a drill.
pub const ISOLATE: &[Key] = &[
    may(
        "suffix",
        Takes::Text,
        "What is put at the end of targets' names.",
    ),
    may("inputs", Takes::Free, "Inputs that the drill fixes."),
    may(
        "steps",
        Takes::Free,
        "Inputs of single steps' actions that the drill overrides.",
    ),
    may(
        "leave-out",
        Takes::Names,
        "Steps that the drill leaves out.",
    ),
    may(
        "refuse",
        Takes::Texts,
        "Texts that no target of the drill may contain.",
    ),
];

/// `[[notify]]`.
pub const NOTIFY: &[Key] = &[
    must(
        "on",
        Takes::Texts,
        "Events: started, asked, failed, finished.",
    ),
    must("uses", Takes::Text, "The kind of action that tells it."),
    may("with", Takes::Free, "The inputs of that action."),
    may("drills", Takes::Boolean, "Whether drills tell it too."),
];

/// `[limits]`.
pub const LIMITS: &[Key] = &[
    may("parallel", Takes::Integer, "Steps in all."),
    may("providers", Takes::IntegerMap, "Steps by provider."),
    may(
        "target",
        Takes::Integer,
        "Steps that write the same target.",
    ),
];
