//! Reads a file of inputs: `name = value`, one for each input that it gives.

use std::path::Path;

use salvor_contract::Values;

use crate::model::plan::Plan;
use crate::model::sections::bad_value;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Sources;
use crate::plan_file::read_inputs_file;

impl Plan {
    /// The values of an inputs file, typed as the plan's inputs are.
    ///
    /// # Errors
    /// All that is wrong with the file, and the files to show it in.
    pub fn read_inputs(&self, path: &Path) -> Result<Values, (Problems, Sources)> {
        let mut sources = self.sources.clone();
        let (table, mut problems) = read_inputs_file(path, &mut sources);
        let mut values = Values::new();
        for entry in &table.entries {
            let Some(input) = self.input(&entry.key) else {
                let problem =
                    Problem::error(Code::UnknownInput, format!("unknown input `{}`", entry.key))
                        .at(entry.key_at, "not an input of this plan");
                let known = self.inputs.iter().map(|input| input.name.as_str());
                problems.push(problem.meant(entry.key_at, &entry.key, known));
                continue;
            };
            match input.takes.of_node(&entry.value) {
                Ok(value) => values.set(&entry.key, value),
                Err(unfit) => problems.push(bad_value(input, &entry.value, unfit)),
            }
        }
        match problems.is_empty() {
            true => Ok(values),
            false => Err((problems.sorted(), sources)),
        }
    }
}
