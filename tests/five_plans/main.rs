//! The plans of the five documents, each scenario planned, applied to its end and looked at: on real PostgreSQL and S3
//! servers, with a person who answers and with scripted programs where a plan runs one that is not here.

mod backup_strategies;
mod calabi;
mod case;
mod cluster;
mod database;
mod datafly_signal;
mod hopsworks;
mod kiok;
mod matrix;
mod operator;
mod programs;
mod storage;
mod web;
mod world;
