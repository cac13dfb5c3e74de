//! How long a command takes that does next to nothing.

use std::process::Command;

use anyhow::Result;
use salvor_testbed::Part;

use crate::measure::Contender;
use crate::measure::in_turn;
use crate::measure::measured;
use crate::peer::Peers;
use crate::plan_folder::SALVOR;
use crate::table;

/// Seconds of one start.
const AIM_SECONDS: f64 = 0.002;

/// Memory of one start.
const AIM_MEBIBYTES: f64 = 5.0;

/// Says the version, and checks the plan of the quickstart.
pub fn run(peers: &Peers) -> Result<()> {
    let quickstart = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/quickstart");
    let salvor = |arguments: &'static [&'static str]| {
        move || -> Result<Command> {
            let mut command = measured(SALVOR);
            command.args(arguments);
            Ok(command)
        }
    };
    let mut contenders = vec![
        Contender::new("salvor --version", salvor(&["--version"])),
        Contender::new("salvor check", move || {
            let mut command = measured(SALVOR);
            command.arg("check").arg(quickstart);
            Ok(command)
        }),
    ];
    for (part, program, arguments) in [
        (Part::Restic, "restic", &["version"][..]),
        (Part::Terraform, "terraform", &["version"][..]),
        (Part::Kubectl, "kubectl", &["version", "--client"][..]),
    ] {
        if let Some(peer) = peers.get(part, program, arguments) {
            contenders.push(Contender::new(peer.version.clone(), move || {
                let mut command = peer.command();
                command.args(arguments);
                Ok(command)
            }));
        }
    }
    table::heading("start");
    let all = in_turn(contenders, 2, 21)?;
    table::contenders(&all);
    for measured in all.iter().take(2) {
        let name = &measured.name;
        table::aim(
            &format!("{name}, wall seconds"),
            AIM_SECONDS,
            table::wall(measured),
        );
        table::aim(
            &format!("{name}, CPU seconds"),
            AIM_SECONDS,
            table::cpu(measured),
        );
        table::aim(
            &format!("{name}, MiB"),
            AIM_MEBIBYTES,
            table::peak_mebibytes(measured),
        );
    }
    Ok(())
}
