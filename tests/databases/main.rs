//! `plans/rds` through the commands that a person types: every scenario of it, on the scripted fake of RDS.

mod scenarios;
mod world;
