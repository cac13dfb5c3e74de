//! Whether a store honours its conditions: `salvor doctor` finds out, and nothing is written where it does not.

use crate::elsewhere::Machine;
use crate::elsewhere::PLAN;
use crate::proxy;
use crate::store::Store;

const FIT: &str = "
  ok      an object can be made
  ok      making it again is refused
  ok      what was written is read
  ok      who saw its last version replaces it
  ok      who saw an older version is refused
  ok      what was replaced is read
  ok      what was written is listed
  ok      of 8 that make one object at once one does, 8 times
  ok      what was tried is removed
state can be kept here
";

#[test]
fn a_store_that_honours_its_conditions_is_fit() {
    for store in [Store::minio(), Store::versitygw()] {
        let Some(store) = store else { continue };
        let machine = Machine::new(store.reach(), "fit", PLAN);
        let said = machine.salvor(&["doctor"]).ends_with(0);
        assert_eq!(said.stdout, format!("state s3://state/fit/{FIT}"));
        let said = machine.salvor(&["doctor", "--json"]).ends_with(0);
        let report: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        assert_eq!(report["is-fit"], true);
        assert_eq!(report["tried"].as_array().map(Vec::len), Some(9));
        assert_eq!(store.keys(""), Vec::<String>::new());
    }
}

#[test]
fn a_store_that_ignores_its_conditions_is_found_and_refused() {
    let Some(store) = Store::minio() else { return };
    store.open_to_all();
    let blind = store.reach().through(proxy::start(&store.reach().endpoint));
    let machine = Machine::new(&blind, "blind", PLAN);
    machine
        .salvor(&["doctor"])
        .ends_with(6)
        .says(
            "failed  making it again is refused: it went through: the store ignores the condition",
        )
        .says("no state is kept here as long as that is so");
    let expected = "is not fit for state: it was expected that making it again is refused, and it went through";
    let refused = machine.salvor(&["apply", "--no-input"]);
    refused.ends_with(4).says(expected);
    let saved = machine.salvor(&["plan", "--out", "saved.changeset"]);
    saved.ends_with(4).says(expected);
    assert_eq!(store.keys(""), Vec::<String>::new());
    assert_eq!(machine.effects(), Vec::<String>::new());

    // A run that was begun past it is not gone on with through it.
    let honest = machine.reached_by(store.reach());
    let run = honest.begin_and_kill();
    let before = store.keys("blind/");
    let blinded = honest.reached_by(&blind);
    blinded.salvor(&["show", &run]).ends_with(0);
    let refused = blinded.salvor(&["resume", &run, "--no-input"]);
    refused.ends_with(4).says(expected);
    assert_eq!(store.keys("blind/"), before);
}

#[test]
fn a_store_that_cannot_be_reached_or_entered_is_refused_with_what_to_do() {
    let Some(store) = Store::versitygw() else {
        return;
    };
    let nobody = crate::store::Reach {
        secret_key: "another".to_owned(),
        ..store.reach().clone()
    };
    let machine = Machine::new(&nobody, "shut", PLAN);
    machine
        .salvor(&["apply", "--no-input"])
        .ends_with(4)
        .says("Check the access key, the secret key and the region.");
    machine
        .salvor(&["doctor"])
        .ends_with(6)
        .says("failed  an object can be made");
    assert_eq!(store.keys(""), Vec::<String>::new());
}
