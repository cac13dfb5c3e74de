//! Turns calls of the API of CloudWatch Logs into export tasks that a test has scripted. Nothing is written.
//!
//! Source of shapes, states and codes: the API reference,
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html>: one task at a time
//! is active in an account.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::course::Course;
use crate::course::Phase;
use crate::json::Fields;
use crate::operation::Refusal;

/// What begins the target of its calls.
pub(crate) const TARGET: &str = "Logs_20140328.";

/// The actions that this fake answers.
pub const ACTIONS: [&str; 2] = ["CreateExportTask", "DescribeExportTasks"];

/// The codes of errors that this fake sends.
pub const CODES: [&str; 3] = [
    "InvalidParameterException",
    "LimitExceededException",
    "ResourceNotFoundException",
];

/// A task that exports a log group to a bucket.
#[derive(Clone, Debug)]
pub struct ExportTask {
    /// The id.
    pub id: String,
    /// Its states: `PENDING`, `RUNNING`, `COMPLETED`, `FAILED`, `CANCELLED` and others.
    pub course: Course,
    /// What was asked for, as it was asked.
    pub asked: Value,
}

/// The log groups and export tasks of one region.
#[derive(Clone, Debug)]
pub struct Logs {
    /// The log groups.
    pub groups: BTreeSet<String>,
    /// The tasks in the order in which they were made.
    pub tasks: Vec<ExportTask>,
    /// The course of a task that is made.
    pub course: Course,
}

impl Logs {
    pub(crate) fn new() -> Logs {
        Logs {
            groups: BTreeSet::new(),
            tasks: Vec::new(),
            course: Course::of([
                Phase::of("PENDING"),
                Phase::of("RUNNING"),
                Phase::of("COMPLETED"),
            ]),
        }
    }

    /// Answers a call.
    pub(crate) fn answer(&mut self, action: &str, fields: Fields<'_>) -> Result<Value, Refusal> {
        match action {
            "CreateExportTask" => self.create(fields),
            "DescribeExportTasks" => Ok(self.describe(fields)),
            _ => Err(crate::aws::unknown_action(action, TARGET)),
        }
    }

    fn create(&mut self, fields: Fields<'_>) -> Result<Value, Refusal> {
        let group = fields.required("logGroupName")?;
        fields.required("destination")?;
        if !self.groups.contains(group) {
            let message = "The specified log group does not exist.";
            return Err(Refusal::new(400, "ResourceNotFoundException", message));
        }
        if fields.number("from")? > fields.number("to")? {
            let message = "The end of the range is before its beginning.";
            return Err(Refusal::new(400, "InvalidParameterException", message));
        }
        let is_active = |task: &ExportTask| matches!(task.course.status(), "PENDING" | "RUNNING");
        if self.tasks.iter().any(is_active) {
            let message = "Resource limit exceeded.";
            return Err(Refusal::new(400, "LimitExceededException", message));
        }
        let id = format!("00000000-0000-4000-8000-{:012}", self.tasks.len() + 1);
        self.tasks.push(ExportTask {
            id: id.clone(),
            course: self.course.clone(),
            asked: fields.0.clone(),
        });
        Ok(json!({ "taskId": id }))
    }

    fn describe(&mut self, fields: Fields<'_>) -> Value {
        let mut tasks = Vec::new();
        for task in &mut self.tasks {
            if fields.text("taskId").is_some_and(|id| id != task.id) {
                continue;
            }
            let status = task.course.status().to_owned();
            task.course.advance();
            if fields.text("statusCode").is_some_and(|code| code != status) {
                continue;
            }
            let mut told = json!({ "taskId": task.id });
            let members = [
                "taskName",
                "logGroupName",
                "from",
                "to",
                "destination",
                "destinationPrefix",
            ];
            for name in members {
                if let Some(value) = task.asked.get(name) {
                    told[name] = value.clone();
                }
            }
            told["status"] = json!({ "code": status, "message": "" });
            told["executionInfo"] = json!({ "creationTime": 1_795_312_800_000_i64 });
            tasks.push(told);
        }
        json!({ "exportTasks": tasks })
    }
}
