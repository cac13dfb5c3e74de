//! Where stores and their copies are, and what the plan demands of that: as it is written, for any case.

use std::str::FromStr;

use crate::model::plan::Named;
use crate::plan_file::Node;
use crate::plan_file::Position;

/// Where something is; each a template.
#[derive(Clone, Debug, Default)]
pub struct PlaceDeclaration {
    /// What is lost at once: a region, a data centre.
    pub site: Option<Node>,
    /// Who can change it.
    pub account: Option<Node>,
    /// On what it lies.
    pub medium: Option<Node>,
}

/// Where a store and its copies are.
#[derive(Clone, Debug, Default)]
pub struct PostureDeclaration {
    /// Where the live data is.
    pub place: PlaceDeclaration,
    /// The store that opens the live data.
    pub key: Option<Named>,
    /// Where `copies` stands; `None` when nothing is said of copies.
    pub copies_at: Option<Position>,
    /// The copies, the live data not among them.
    pub copies: Vec<CopyDeclaration>,
}

/// One copy of a store.
#[derive(Clone, Debug)]
pub struct CopyDeclaration {
    /// Its place in the file.
    pub at: Position,
    /// Where it is.
    pub place: PlaceDeclaration,
    /// Nobody can change it, because it is immutable or offline.
    pub is_locked: bool,
    /// The store that opens it.
    pub key: Option<Named>,
    /// The store that one must have to reach it.
    pub access: Option<Named>,
    /// The drill or scenario that proves it.
    pub verified: Option<Named>,
}

impl CopyDeclaration {
    /// The stores without which the copy cannot be read.
    pub fn needs(&self) -> impl Iterator<Item = &Named> {
        self.key.iter().chain(&self.access)
    }
}

/// `[policies]`.
#[derive(Clone, Debug, Default)]
pub struct PolicyDeclaration {
    /// How many copies there must be, and where that is written.
    pub copies: Option<(CopiesRule, Position)>,
    /// Where it is written that keys are kept apart.
    pub keys_apart: Option<Position>,
    /// Where it is written that one copy is in another account.
    pub accounts_apart: Option<Position>,
    /// Where the plan's state is.
    pub state_site: Option<Node>,
}

/// How many copies there must be: 3-2-1-1-0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiesRule {
    /// The rule as written.
    pub text: String,
    /// Copies in all, the live data among them.
    pub copies: usize,
    /// Media that they lie on.
    pub media: usize,
    /// Copies at another site than the live data.
    pub off_site: usize,
    /// Copies that are immutable or offline.
    pub locked: usize,
    /// Copies that may be unverified; any number when `None`.
    pub unverified: Option<usize>,
}

impl FromStr for CopiesRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Result<Vec<usize>, _> = text.split('-').map(str::parse).collect();
        let numbers = numbers.map_err(|_| "numbers are expected, with `-` between them")?;
        let (copies, media, off_site, locked, unverified) = match *numbers.as_slice() {
            [copies, media, off_site] => (copies, media, off_site, 0, None),
            [copies, media, off_site, locked] => (copies, media, off_site, locked, None),
            [copies, media, off_site, locked, unverified] => {
                (copies, media, off_site, locked, Some(unverified))
            }
            _ => return Err("three to five numbers are expected"),
        };
        Ok(Self {
            text: text.to_owned(),
            copies,
            media,
            off_site,
            locked,
            unverified,
        })
    }
}
