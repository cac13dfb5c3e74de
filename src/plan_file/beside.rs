//! What stands beside a key in its table, or beside an item in its list: what an edit must not write a second time.

use std::collections::BTreeMap;

use crate::plan_file::node::Content;
use crate::plan_file::node::Node;
use crate::plan_file::node::Table;
use crate::plan_file::recovery;
use crate::plan_file::source::FileId;
use crate::plan_file::source::Position;
use crate::plan_file::source::Sources;

/// The keys and texts of all tables and lists of some files, by the place of each.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Which group of names a place belongs to.
    groups: BTreeMap<Position, usize>,
    names: Vec<Vec<String>>,
}

impl Beside {
    /// The names that stand together with what is written at this place.
    pub fn names(&self, at: Position) -> &[String] {
        let group = self.groups.get(&at);
        group
            .and_then(|group| self.names.get(*group))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// What stands in these files, read again: only where a name is offered is it asked for.
    pub fn of(sources: &Sources) -> Self {
        let mut beside = Self::default();
        for (index, file) in sources.files.iter().enumerate() {
            if let Ok((table, _)) = recovery::read(FileId(index), &file.text) {
                beside.add_file(&table);
            }
        }
        beside
    }

    /// Adds a file and all that is in it. Its sections may be opened as often as they have parts.
    fn add_file(&mut self, table: &Table) {
        let is_section = |node: &Node| node.table().is_some() || !node.list().is_empty();
        let single = table
            .entries
            .iter()
            .filter(|entry| !is_section(&entry.value));
        self.group(single.map(|entry| (entry.key_at, entry.key.as_str())));
        for entry in &table.entries {
            self.value(&entry.value);
        }
    }

    fn add(&mut self, table: &Table) {
        let keys = table.entries.iter();
        self.group(keys.map(|entry| (entry.key_at, entry.key.as_str())));
        for entry in &table.entries {
            self.value(&entry.value);
        }
    }

    fn value(&mut self, node: &Node) {
        match &node.content {
            Content::Table(table) => self.add(table),
            Content::List(list) => {
                self.group(list.iter().filter_map(|node| Some((node.at, node.text()?))));
                list.iter().for_each(|node| self.value(node));
            }
            Content::Text(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_) => {}
        }
    }

    fn group<'t>(&mut self, members: impl Iterator<Item = (Position, &'t str)>) {
        let group = self.names.len();
        let mut names = Vec::new();
        for (at, name) in members {
            self.groups.insert(at, group);
            names.push(name.to_owned());
        }
        self.names.push(names);
    }
}
