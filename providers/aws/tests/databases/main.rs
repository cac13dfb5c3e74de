//! `aws.rds` on the scripted fake of RDS, where states take their time, defaults are applied in silence, answers are
//! lost and names are taken.

mod conforms;
mod faults;
mod restores;
mod support;
mod surveys;
mod swaps;
