//! Runbooks in Markdown: whatever the document, its draft passes `check`, and no piece of it is lost silently.

use std::collections::BTreeSet;

use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use salvor::import::draft;
use salvor::import::write;
use salvor::model::read;
use salvor::plan_file::Look;

use super::Bound;
use super::Target;
use super::registry;

/// Markdown.
pub const TARGET: Target = Target {
    name: "import",
    check,
    besides: &["tests/import/warehouse.md", "README.md"],
    words: &[
        "# ",
        "## ",
        "- ",
        "1. ",
        "- [ ] ",
        "   ",
        "    ",
        "```",
        "```bash\n",
        "```yaml\n",
        "~~~\n",
        "\n",
        "\n\n",
        "| a | RPO |\n|---|---|\n",
        "| a | b |\n",
        "> ",
        "`",
        "`date`",
        "$(date)",
        "$(",
        "{{",
        "}}",
        "{{a}}",
        "\\{{",
        "\\",
        "((((((((((((((((((((((((((((((((((",
        "\"",
        "'",
        "\"\"\"",
        "restore ",
        "procedure:\n\n",
        "a",
        "é",
        "\u{202e}",
        "&#x202e;",
        "&#0;",
        "\u{0}",
        "\u{7f}",
        "\r",
        "\t",
        "<b>",
        "[a](b)",
        "![",
        "***",
        "---\n",
        "cat <<EOF\n",
        "for x in y; do\n",
        "a \\\n",
    ],
    count: 300,
    size_max: 8 * 1024,
    memory: Bound {
        base: 8 << 20,
        per_byte: 4_000,
    },
    work: Bound {
        base: 100_000,
        per_byte: 2_000,
    },
};

fn check(input: &[u8]) -> bool {
    let document = String::from_utf8_lossy(input);
    let draft = draft(&document, "plan");
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    let is_piece = |event: &Event<'_>| {
        matches!(
            event,
            Event::Start(Tag::Item | Tag::CodeBlock(_) | Tag::Table(_))
        )
    };
    let pieces = Parser::new_ext(&document, options).into_offset_iter();
    let pieces = pieces.filter(|(event, _)| is_piece(event));
    let lines: Vec<usize> = pieces
        .map(|(_, range)| 1 + document[..range.start].matches('\n').count())
        .collect();
    let unplaced = draft.unplaced.iter().map(|remark| remark.line);
    let told: BTreeSet<usize> = draft.placed.iter().copied().chain(unplaced).collect();
    let lost: Vec<&usize> = lines.iter().filter(|line| !told.contains(line)).collect();
    assert!(lost.is_empty(), "lost lines {lost:?}\n{draft:#?}");
    // What a block of a terminal printed is not placed either, a line each.
    let count = draft.placed.len() + draft.unplaced.len();
    assert!(
        count >= lines.len(),
        "{count} of {}\n{draft:#?}",
        lines.len()
    );
    let folder = tempfile::tempdir().expect("a folder");
    let plan = write(&draft, "plan", &document);
    std::fs::write(folder.path().join("plan.toml"), &plan).expect("written");
    let told = read(folder.path(), registry()).report("plan", Look::Plain);
    assert_eq!(told.errors, 0, "{}\n{plan}", told.text);
    true
}
