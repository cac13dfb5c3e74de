//! What durability costs: a chain of steps against the syncs that it cannot do without, and taking up a long run.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;

use crate::graph::plan_of;
use crate::layers::Layers;
use crate::layers::Work;
use crate::measure::Contender;
use crate::measure::cost_of;
use crate::measure::in_turn;
use crate::measure::now;
use crate::peer::Peers;
use crate::plan_folder;
use crate::table;

/// A chain of 1,000 steps. Its floor is to append the same records to a file, with an `fdatasync` after each.
pub fn chain(_: &Peers) -> Result<()> {
    let folder = plan_of(
        Layers {
            steps: 1_000,
            width: 1,
        },
        Work::Nothing,
        16,
    )?;
    table::heading("chain of 1,000 durable steps that do nothing");
    let mut ratios = Vec::new();
    let mut cpu = Vec::new();
    for _ in 0..5 {
        let cost = cost_of(&mut folder.fresh_apply()?)?;
        let journal = fs::read(folder.journal()?).context("read the journal")?;
        let records = journal.split_inclusive(|byte| *byte == b'\n').count();
        let floor = appended(&journal)?;
        ratios.push(cost.wall.as_secs_f64() / floor.as_secs_f64());
        cpu.push(cost.cpu.as_secs_f64());
        table::line(&format!(
            "salvor {:.3} s wall, {:.3} s CPU; {records} appends with fdatasync {:.3} s",
            cost.wall.as_secs_f64(),
            cost.cpu.as_secs_f64(),
            floor.as_secs_f64(),
        ));
    }
    table::aim(
        "wall over the floor",
        1.3,
        table::median(ratios.into_iter()),
    );
    table::line(&format!("CPU, s: {:.3}", table::median(cpu.into_iter())));
    Ok(())
}

/// How long it takes to append the lines of a journal to a new file, each made durable by itself.
fn appended(journal: &[u8]) -> Result<Duration> {
    let folder = plan_folder::folder()?;
    let mut file = File::create(folder.path().join("journal")).context("make a file")?;
    let begun = now();
    for line in journal.split_inclusive(|byte| *byte == b'\n') {
        file.write_all(line)
            .and_then(|()| file.sync_data())
            .context("append")?;
    }
    Ok(begun.elapsed())
}

/// A run with 10,000 records of which nothing is left to do: proved, and found complete.
pub fn resume(_: &Peers) -> Result<()> {
    // Two records a step, and two of the run.
    let folder = plan_of(
        Layers {
            steps: 4_999,
            width: 32,
        },
        Work::Nothing,
        64,
    )?;
    cost_of(&mut folder.fresh_apply()?)?;
    let journal = folder.journal()?;
    let records = fs::read(&journal).context("read the journal")?;
    let records = records.iter().filter(|byte| **byte == b'\n').count();
    let place = journal.parent().context("a journal is in a folder")?;
    let run = place.file_name().context("a run has a folder")?;
    let run = run.to_string_lossy().into_owned();
    // What was seen of the journal last: a record that is gone since would be damage.
    let head = place.join("../../heads").join(&run);
    // The last record says that the run is finished; without it there is nothing left but to say so again.
    let bytes = fs::read(&journal).context("read the journal")?;
    let end = bytes.len() - 1;
    let last = bytes[..end]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |place| place + 1);
    table::heading(&format!("resume of a journal of {records} records"));
    let all = in_turn(
        vec![
            Contender::new("salvor resume", || {
                fs::write(&journal, &bytes[..last]).context("write the journal")?;
                fs::remove_file(&head).context("forget the last record")?;
                Ok(folder.salvor(&["resume", &run, "--no-input"]))
            }),
            Contender::new("salvor journal check", || {
                Ok(folder.salvor(&["journal", "check", &run]))
            }),
        ],
        1,
        7,
    )?;
    table::contenders(&all);
    table::aim("wall seconds", 0.2, table::wall(&all[0]));
    table::aim("CPU seconds", 0.2, table::cpu(&all[0]));
    Ok(())
}
