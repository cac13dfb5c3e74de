//! `aws.rds` on the scripted fake of RDS, where states take their time, defaults are applied in silence, answers are
//! lost and names are taken; and on moto, as a second opinion of the wire format.

mod conforms;
mod faults;
mod moto;
mod restores;
mod support;
mod surveys;
mod swaps;
