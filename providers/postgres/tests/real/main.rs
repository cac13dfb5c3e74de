//! The provider against real servers: PostgreSQL 15, 16 and 18.

mod base_backups;
mod checks;
mod connections;
mod damage;
mod dumps;
mod moments;
mod replaced;
mod stores;
mod support;
