//! Turns `/proc` into the state and the children of a process.

use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use rustix::process::Pid;

/// Returns the state letter of a process; nothing where there is no such process.
pub(super) fn state_of(pid: Pid) -> Option<char> {
    stat_of(Path::new(&format!("/proc/{}", pid.as_raw_nonzero()))).map(|(state, _)| state)
}

/// Returns the direct children of a process.
pub(super) fn children_of(parent: Pid) -> Result<Vec<Pid>> {
    let mut children = Vec::new();
    for item in std::fs::read_dir("/proc").context("list the processes")? {
        let item = item.context("list the processes")?;
        let Some(pid) = item
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        if stat_of(&item.path())
            .is_some_and(|(_, its_parent)| its_parent == parent.as_raw_nonzero().get())
        {
            children.push(pid);
        }
    }
    Ok(children)
}

/// Returns the state letter and the parent of `/proc/N`. The name before them may hold any character, so the
/// last parenthesis counts.
fn stat_of(folder: &Path) -> Option<(char, i32)> {
    let text = std::fs::read_to_string(folder.join("stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use anyhow::Result;
    use rustix::process::Pid;

    use super::children_of;
    use super::state_of;

    #[test]
    fn a_child_is_listed_until_it_is_reaped() -> Result<()> {
        let ours = Pid::from_raw(i32::try_from(std::process::id())?).context("we have a number")?;
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()?;
        let pid = Pid::from_child(&child);
        assert!(children_of(ours)?.contains(&pid));
        drop(child.stdin.take());
        child.wait()?;
        assert!(!children_of(ours)?.contains(&pid));
        assert_eq!(state_of(pid), None);
        Ok(())
    }
}
