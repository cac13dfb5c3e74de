//! Puts the steps and stores of groups into the plan that uses them.
//!
//! A group is a file that several plans share. Inside it, names are its own and `{{inputs.x}}` is what the
//! using plan gives. In the plan its step `restore` is `GROUP-restore`; texts are rewritten before anything
//! else looks at them, so the rest of the model knows nothing of groups.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::condition::Condition;
use crate::model::sections;
use crate::model::typed::bad_braces;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Document;
use crate::plan_file::Entry;
use crate::plan_file::GroupFile;
use crate::plan_file::Node;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;
use crate::template::Template;

/// Expands all groups of a document into its own sections.
pub fn expand(document: &mut Document, problems: &mut Problems) {
    for file in std::mem::take(&mut document.groups) {
        let used = document
            .root
            .table("groups")
            .and_then(|groups| groups.table(&file.group))
            .cloned()
            .unwrap_or_default();
        let group = Group {
            file: &file,
            inputs: given(&file, &used, problems),
            stores: names(&file.table, "stores"),
            steps: names(&file.table, "steps"),
        };
        group.add_to(&mut document.root, &used, problems);
    }
}

/// What stands for an input of a group.
enum Given {
    /// A text, with or without braces.
    Text(Template),
    /// Any other value.
    Value(Content),
    /// Nothing.
    LeftOut,
}

struct Group<'f> {
    file: &'f GroupFile,
    inputs: BTreeMap<String, Given>,
    stores: BTreeSet<String>,
    steps: BTreeSet<String>,
}

fn names(table: &Table, section: &str) -> BTreeSet<String> {
    sections::named(table, section)
        .map(|(entry, _)| entry.key.clone())
        .collect()
}

fn given(file: &GroupFile, used: &Table, problems: &mut Problems) -> BTreeMap<String, Given> {
    let inputs = sections::inputs(&file.table, problems);
    let nothing = Table::default();
    let with = used.table("with").unwrap_or(&nothing);
    for entry in &with.entries {
        if !inputs.iter().any(|input| input.name == entry.key) {
            let problem = Problem::error(
                Code::UnknownInput,
                format!("group `{}` has no input `{}`", file.group, entry.key),
            )
            .at(entry.key_at, "not an input of the group");
            let known = inputs.iter().map(|input| input.name.as_str());
            problems.push(problem.meant(entry.key_at, &entry.key, known));
        }
    }
    let mut all = BTreeMap::new();
    for input in &inputs {
        let value = match (with.get(&input.name), &input.default) {
            (Some(node), _) => match node.text() {
                Some(text) if text.contains("{{") => match Template::parse(text) {
                    Ok(template) => Given::Text(template),
                    Err(error) => {
                        problems.push(bad_braces(&error, node.at, text));
                        Given::Text(Template::literal(text))
                    }
                },
                Some(_) | None => {
                    let fits = input.takes.of_node(node);
                    if let Err(unfit) = fits.and_then(|value| input.matches(&value)) {
                        problems.push(sections::bad_value(input, node, unfit));
                    }
                    match &node.content {
                        Content::Text(text) => Given::Text(Template::literal(text)),
                        Content::Integer(_)
                        | Content::Float(_)
                        | Content::Boolean(_)
                        | Content::Time(_)
                        | Content::List(_)
                        | Content::Table(_) => Given::Value(node.content.clone()),
                    }
                }
            },
            (None, Some(default)) => Given::of_json(default, input.at),
            (None, None) if input.is_optional => Given::LeftOut,
            (None, None) => {
                problems.push(
                    Problem::error(
                        Code::MissingInput,
                        format!("group `{}` needs its input `{}`", file.group, input.name),
                    )
                    .at(file.group_at, "not given here")
                    .and_at(input.at, "defined here")
                    .help(format!("write with = {{ {} = … }}", input.name)),
                );
                continue;
            }
        };
        all.insert(input.name.clone(), value);
    }
    all
}

impl Given {
    fn of_json(value: &Value, at: Position) -> Self {
        match value {
            Value::String(text) => Self::Text(Template::literal(text)),
            Value::Null => Self::LeftOut,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Self::Value(content_of(value, at))
            }
        }
    }
}

fn content_of(value: &Value, at: Position) -> Content {
    let node = |value: &Value| Node {
        at,
        content: content_of(value, at),
    };
    match value {
        Value::Null => Content::Text(String::new()),
        Value::Bool(value) => Content::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Content::Integer(number),
            None => Content::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Content::Text(text.clone()),
        Value::Array(list) => Content::List(list.iter().map(node).collect()),
        Value::Object(object) => Content::Table(Table {
            entries: object
                .iter()
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    key_at: at,
                    value: node(value),
                })
                .collect(),
        }),
    }
}

impl Group<'_> {
    fn renamed(&self, name: &str) -> String {
        format!("{}-{name}", self.file.group)
    }

    fn add_to(&self, root: &mut Table, used: &Table, problems: &mut Problems) {
        for section in ["stores", "steps"] {
            for (entry, table) in sections::named(&self.file.table, section) {
                let mut table = self.table(table, problems);
                if section == "steps" {
                    self.join(&mut table, used);
                }
                let entry = Entry {
                    key: self.renamed(&entry.key),
                    key_at: entry.key_at,
                    value: Node {
                        at: entry.value.at,
                        content: Content::Table(table),
                    },
                };
                add(root, section, self.file.group_at, entry, problems);
            }
        }
        let rules = self
            .file
            .table
            .get("invariants")
            .map(Node::list)
            .unwrap_or_default();
        let rules: Vec<Node> = rules.iter().map(|rule| self.node(rule, problems)).collect();
        if rules.is_empty() {
            return;
        }
        let known = root
            .entries
            .iter_mut()
            .find(|entry| entry.key == "invariants");
        match known.map(|entry| &mut entry.value.content) {
            Some(Content::List(list)) => list.extend(rules),
            Some(_) => {}
            None => root.entries.push(Entry {
                key: "invariants".to_owned(),
                key_at: self.file.group_at,
                value: Node {
                    at: self.file.group_at,
                    content: Content::List(rules),
                },
            }),
        }
    }

    /// What the group as a whole waits for is waited for by the steps that wait for nothing inside it.
    fn join(&self, step: &mut Table, used: &Table) {
        let is_first = ["needs", "after"]
            .into_iter()
            .all(|key| step.get(key).is_none_or(|node| node.list().is_empty()));
        if !is_first {
            return;
        }
        for key in ["needs", "after"] {
            if let Some(entry) = used.entry(key) {
                step.entries.retain(|known| known.key != key);
                step.entries.push(entry.clone());
            }
        }
    }

    fn table(&self, table: &Table, problems: &mut Problems) -> Table {
        let mut entries = Vec::with_capacity(table.entries.len());
        for entry in &table.entries {
            if self.is_left_out(&entry.value) {
                continue;
            }
            let value = match entry.key.as_str() {
                // What an action takes has its own words: only expressions in it speak of the plan.
                "with" => self.inputs_of(&entry.value, problems),
                "restore" | "backup" | "verify" if entry.value.text().is_some() => {
                    self.named(&entry.value, &self.stores)
                }
                "needs" => self.all_named(&entry.value, &self.steps),
                "after" if entry.value.text().is_none() => {
                    self.all_named(&entry.value, &self.steps)
                }
                "rebuilds" | "fences" => self.all_named(&entry.value, &self.stores),
                "after" => self.named(&entry.value, &self.steps),
                "from" | "to" | "store" | "than" | "key" | "access"
                    if entry
                        .value
                        .text()
                        .is_some_and(|text| self.stores.contains(text)) =>
                {
                    self.named(&entry.value, &self.stores)
                }
                "when" => match self.condition(&entry.value, problems) {
                    Some(node) => node,
                    None => continue,
                },
                _ => self.node(&entry.value, problems),
            };
            entries.push(Entry {
                key: entry.key.clone(),
                key_at: entry.key_at,
                value,
            });
        }
        Table { entries }
    }

    /// Inputs of an action: no key or name of them is one of the language.
    fn inputs_of(&self, node: &Node, problems: &mut Problems) -> Node {
        let content = match &node.content {
            Content::Table(table) => {
                let entries = table.entries.iter();
                let kept = entries.filter(|entry| !self.is_left_out(&entry.value));
                let kept = kept.map(|entry| Entry {
                    key: entry.key.clone(),
                    key_at: entry.key_at,
                    value: self.inputs_of(&entry.value, problems),
                });
                Content::Table(Table {
                    entries: kept.collect(),
                })
            }
            Content::List(list) => {
                let items = list.iter();
                Content::List(items.map(|item| self.inputs_of(item, problems)).collect())
            }
            Content::Text(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_) => return self.node(node, problems),
        };
        Node {
            at: node.at,
            content,
        }
    }

    fn is_left_out(&self, node: &Node) -> bool {
        let template = node.text().and_then(|text| Template::parse(text).ok());
        let path = template.as_ref().and_then(Template::single_path);
        path.and_then(|path| self.input(path))
            .is_some_and(|given| matches!(given, Given::LeftOut))
    }

    fn input(&self, path: &[String]) -> Option<&Given> {
        match path {
            [root, name] if root == "inputs" => self.inputs.get(name),
            _ => None,
        }
    }

    fn named(&self, node: &Node, known: &BTreeSet<String>) -> Node {
        match node.text() {
            Some(name) if known.contains(name) => Node {
                at: node.at,
                content: Content::Text(self.renamed(name)),
            },
            Some(_) | None => node.clone(),
        }
    }

    fn all_named(&self, node: &Node, known: &BTreeSet<String>) -> Node {
        match &node.content {
            Content::List(list) => Node {
                at: node.at,
                content: Content::List(list.iter().map(|n| self.named(n, known)).collect()),
            },
            Content::Text(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_)
            | Content::Table(_) => node.clone(),
        }
    }

    fn condition(&self, node: &Node, problems: &mut Problems) -> Option<Node> {
        let Some(Ok(condition)) = node.text().map(Condition::parse) else {
            return Some(node.clone());
        };
        let renamed = condition.renamed(&|name| match self.inputs.get(name)? {
            Given::Text(template) => match template.single_path()? {
                [root, input] if root == "inputs" => Some(input.clone()),
                _ => None,
            },
            Given::Value(_) | Given::LeftOut => None,
        });
        match renamed {
            Ok(condition) => Some(Node {
                at: node.at,
                content: Content::Text(condition.to_string()),
            }),
            Err(name) => {
                problems.push(
                    Problem::error(
                        Code::BadCondition,
                        format!("the condition asks about `{name}`, which is no input of the plan"),
                    )
                    .at(node.at, "in a group")
                    .and_at(self.file.group_at, "used here")
                    .help(format!("give the group an input of the plan: with = {{ {name} = \"{{{{inputs.NAME}}}}\" }}")),
                );
                None
            }
        }
    }

    fn node(&self, node: &Node, problems: &mut Problems) -> Node {
        let content = match &node.content {
            Content::Text(text) if text.contains("{{") => self.text(node, text, problems),
            Content::List(list) => {
                Content::List(list.iter().map(|node| self.node(node, problems)).collect())
            }
            Content::Table(table) => Content::Table(self.table(table, problems)),
            other @ (Content::Text(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_)) => other.clone(),
        };
        Node {
            at: node.at,
            content,
        }
    }

    fn text(&self, node: &Node, text: &str, problems: &mut Problems) -> Content {
        // Braces that cannot be read are reported where values are typed.
        let Ok(template) = Template::parse(text) else {
            return node.content.clone();
        };
        if let Some(Given::Value(content)) = template.single_path().and_then(|p| self.input(p)) {
            return content.clone();
        }
        let replaced = template.substitute(&|path| self.replacement(path));
        if replaced == template {
            return node.content.clone();
        }
        if replaced.is_nested() {
            problems.push(
                Problem::error(
                    Code::TypeMismatch,
                    "a helper takes a value, and the group was given a text with braces",
                )
                .at(node.at, "cannot be said")
                .and_at(self.file.group_at, "given here")
                .help("give the group one expression alone, or put the text together in its file"),
            );
            return Content::Text(String::new());
        }
        Content::Text(replaced.to_string())
    }

    fn replacement(&self, path: &[String]) -> Option<Template> {
        match self.input(path) {
            Some(Given::Text(template)) => return Some(template.clone()),
            Some(Given::Value(Content::Integer(number))) => {
                return Some(Template::value(Value::from(*number)));
            }
            Some(Given::Value(Content::Boolean(value))) => {
                return Some(Template::value(Value::from(*value)));
            }
            Some(Given::Value(_) | Given::LeftOut) | None => {}
        }
        let (root, rest) = path.split_first()?;
        let (name, rest) = rest.split_first()?;
        let known = match root.as_str() {
            "steps" => &self.steps,
            "stores" => &self.stores,
            _ => return None,
        };
        known.contains(name).then(|| {
            let mut path = vec![root.clone(), self.renamed(name)];
            path.extend(rest.iter().cloned());
            Template::path(path)
        })
    }
}

fn add(root: &mut Table, section: &str, at: Position, entry: Entry, problems: &mut Problems) {
    let index = root.entries.iter().position(|known| known.key == section);
    let index = index.unwrap_or_else(|| {
        root.entries.push(Entry {
            key: section.to_owned(),
            key_at: at,
            value: Node {
                at,
                content: Content::Table(Table::default()),
            },
        });
        root.entries.len() - 1
    });
    let Content::Table(table) = &mut root.entries[index].value.content else {
        return;
    };
    match table.entry(&entry.key) {
        None => table.entries.push(entry),
        Some(first) => problems.push(
            Problem::error(Code::Duplicate, format!("`{}` is defined twice", entry.key))
                .at(entry.key_at, "here, in a group")
                .and_at(first.key_at, "and here")
                .help("give the group another name where it is used, or the other definition"),
        ),
    }
}
