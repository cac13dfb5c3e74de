//! The lock of an environment as a lease on a register, for many machines.
//!
//! No clock of one machine is compared with that of another. The holder writes again and again, each time
//! a new version; who sees the same version for a whole lease on its *own* monotonic clock takes over. The
//! holder counts from the moment at which it *sent* its last write that went through, and stops believing
//! earlier than anybody can take over:
//!
//! ```text
//! holder    send──write──▶                            stops believing (TTL - MARGIN after send)
//! register        version 7
//! observer              ◀──get 7──────────────get 7──────────────▶ takes over (TTL after the first get)
//! ```

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

use async_trait::async_trait;
use salvor_contract::Clock;
use salvor_contract::RunId;
use serde::Deserialize;
use serde::Serialize;

use crate::digest::Digest;
use crate::journal::file::blocking;
use crate::journal::heads::HeadFile;
use crate::journal::heads::Heads;
use crate::journal::lock::Claim;
use crate::journal::lock::EnvironmentLock;
use crate::journal::lock::Guard;
use crate::journal::lock::Held;
use crate::journal::lock::Liveness;
use crate::journal::lock::LockError;
use crate::journal::lock::Lost;
use crate::journal::lock::register::Register;
use crate::journal::lock::register::RegisterError;
use crate::journal::lock::register::Tag;
use crate::journal::state::Head;
use crate::surroundings::Randomness;

/// A version that stands for this long belongs to a dead holder.
pub const TTL: Duration = Duration::from_secs(30);

/// How often the holder writes.
pub const RENEW: Duration = Duration::from_secs(10);

/// By how much earlier the holder stops believing: room for clocks that run at different speeds.
pub const MARGIN: Duration = Duration::from_secs(5);

/// How often who waits for a lapse looks, and who got no answer asks again.
pub const POLL: Duration = Duration::from_secs(2);

/// The format of the content.
const FORMAT: u32 = 1;

/// Questions without an answer in a row, before taking the lock is given up.
const TRIES: u32 = 10;

/// The lengths of time of a lease. All that take the same lock must go by the same: those of the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// See [`TTL`].
    pub ttl: Duration,
    /// See [`RENEW`].
    pub renew: Duration,
    /// See [`MARGIN`].
    pub margin: Duration,
    /// See [`POLL`].
    pub poll: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            ttl: TTL,
            renew: RENEW,
            margin: MARGIN,
            poll: POLL,
        }
    }
}

/// A lease on a register.
pub struct LeaseLock {
    register: Arc<dyn Register>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    terms: Terms,
    /// Where the holder keeps the head of its journal beside the register.
    heads: Option<Heads>,
}

/// The content of the register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lease {
    v: u32,
    /// `None` when the lock was given back.
    claim: Option<Claim>,
    /// Made anew for each time that the lock is taken: tells one's own lease after a lost answer.
    nonce: String,
    renewals: u64,
    ttl_ms: u64,
    head: Option<Anchor>,
}

/// The head of the journal of who held it last. It stays when the lock is given back, and until the next holder has
/// one of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Anchor {
    run: RunId,
    seq: u64,
    hash: String,
}

/// The head of a run's journal that the content of a register keeps; none when it keeps that of another run.
pub fn anchored(content: &[u8], run: &RunId) -> Option<Head> {
    let anchor = understand(content).ok()?.head?;
    (anchor.run == *run).then_some(())?;
    Some(Head {
        seq: anchor.seq,
        hash: Digest::parse(&anchor.hash)?,
    })
}

impl LeaseLock {
    /// The lease on this register.
    pub fn new(
        register: Arc<dyn Register>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            register,
            clock,
            randomness,
            terms: Terms::default(),
            heads: None,
        }
    }

    /// The same by other terms, for tests.
    #[must_use]
    pub fn with_terms(self, terms: Terms) -> Self {
        Self { terms, ..self }
    }

    /// The same, whose holders keep the heads of their journals here too: at once, and not only with the next renewal.
    #[must_use]
    pub fn with_heads(self, heads: Heads) -> Self {
        let heads = Some(heads);
        Self { heads, ..self }
    }

    async fn get(&self) -> Result<Option<(Lease, Tag)>, LockError> {
        let mut tries = 0;
        loop {
            match self.register.get().await {
                Ok(None) => return Ok(None),
                Ok(Some((content, tag))) => return Ok(Some((understand(&content)?, tag))),
                Err(RegisterError::Refused { what, .. }) => {
                    return Err(LockError::Unavailable { what });
                }
                Err(error @ (RegisterError::Conflict | RegisterError::Unavailable { .. })) => {
                    tries += 1;
                    if tries == TRIES {
                        return Err(LockError::Unavailable {
                            what: error.to_string(),
                        });
                    }
                }
            }
            self.clock.sleep(self.terms.poll).await;
        }
    }

    /// Writes a lease over what was seen, and tells when it was sent. `None` when it was changed meanwhile, by
    /// somebody else or by a first try of ours whose answer was lost.
    async fn write(
        &self,
        lease: &Lease,
        seen: Option<&Tag>,
    ) -> Result<Option<(Tag, Duration)>, LockError> {
        let content = serde_json::to_vec(lease).expect("our own types serialise to JSON");
        for _ in 0..TRIES {
            let sent = self.clock.elapsed();
            let written = match seen {
                None => self.register.create(content.clone()).await,
                Some(tag) => self.register.replace(content.clone(), tag).await,
            };
            match written {
                Ok(tag) => return Ok(Some((tag, sent))),
                Err(RegisterError::Conflict) => return Ok(None),
                Err(RegisterError::Unavailable { .. }) => self.clock.sleep(self.terms.poll).await,
                Err(RegisterError::Refused { what, .. }) => {
                    return Err(LockError::Unavailable { what });
                }
            }
        }
        Err(LockError::Unavailable {
            what: "there was no answer".to_owned(),
        })
    }
}

#[async_trait]
impl EnvironmentLock for LeaseLock {
    async fn acquire(&self, claim: Claim) -> Result<Box<dyn Guard>, LockError> {
        let mut lease = Lease {
            v: FORMAT,
            claim: Some(claim),
            nonce: self.randomness.token(),
            renewals: 0,
            ttl_ms: u64::try_from(self.terms.ttl.as_millis()).expect("short"),
            head: None,
        };
        let heads = self.heads.clone();
        let run = lease.claim.as_ref().map(|claim| claim.run.clone());
        let mut watched: Option<(Tag, Duration)> = None;
        let mut taken_from: Option<Claim> = None;
        loop {
            let found = self.get().await?;
            let now = self.clock.elapsed();
            if let Some((found, _)) = &found {
                lease.head.clone_from(&found.head);
            }
            let (former, seen) = match found {
                None => (None, None),
                // Our own first try: written over, since nobody knows since when it stands.
                Some((found, tag)) if found.nonce == lease.nonce => (taken_from.take(), Some(tag)),
                Some((Lease { claim: None, .. }, tag)) => (None, Some(tag)),
                Some((
                    Lease {
                        claim: Some(former),
                        ttl_ms,
                        ..
                    },
                    tag,
                )) => {
                    let held = Held {
                        liveness: former.holder.liveness(),
                        claim: Some(former),
                    };
                    let ttl = Duration::from_millis(ttl_ms);
                    match (held.liveness, &watched) {
                        // Dead on this very host: nothing to wait for.
                        (Liveness::Dead, _) => {}
                        (Liveness::Alive, _) => return Err(LockError::Held(Box::new(held))),
                        (_, Some((first, _))) if *first != tag => {
                            return Err(LockError::Held(Box::new(held)));
                        }
                        (_, Some((_, since))) if now.saturating_sub(*since) >= ttl => {}
                        (_, Some(_)) => {
                            self.clock.sleep(self.terms.poll).await;
                            continue;
                        }
                        (_, None) => {
                            watched = Some((tag, now));
                            self.clock.sleep(self.terms.poll).await;
                            continue;
                        }
                    }
                    (held.claim, Some(tag))
                }
            };
            let written = self.write(&lease, seen.as_ref()).await?;
            if let Some((tag, sent)) = written
                && self.clock.elapsed().saturating_sub(sent) < self.terms.renew
            {
                let kept = Kept {
                    lease,
                    tag,
                    sent,
                    is_over: false,
                };
                let head = match (heads, run) {
                    (Some(heads), Some(run)) => blocking(move || heads.open(&run)).await,
                    (_, _) => None,
                };
                return Ok(Box::new(LeaseGuard {
                    register: Arc::clone(&self.register),
                    clock: Arc::clone(&self.clock),
                    kept: Mutex::new(kept),
                    terms: self.terms,
                    head,
                    former,
                }));
            }
            watched = None;
            taken_from = former;
            lease.renewals += 1;
        }
    }

    async fn look(&self) -> Result<Option<Held>, LockError> {
        let claim = self.get().await?.and_then(|(lease, _)| lease.claim);
        Ok(claim.map(|claim| Held {
            liveness: claim.holder.liveness(),
            claim: Some(claim),
        }))
    }
}

struct LeaseGuard {
    register: Arc<dyn Register>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    terms: Terms,
    head: Option<HeadFile>,
    former: Option<Claim>,
}

/// What the holder knows.
struct Kept {
    lease: Lease,
    tag: Tag,
    /// When the last write that went through was sent.
    sent: Duration,
    is_over: bool,
}

impl LeaseGuard {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    /// Writes once more.
    async fn renew(&self) -> Result<(), Lost> {
        let sent = self.clock.elapsed();
        let (lease, tag) = {
            let mut kept = self.kept();
            kept.lease.renewals += 1;
            (kept.lease.clone(), kept.tag.clone())
        };
        let content = serde_json::to_vec(&lease).expect("our own types serialise to JSON");
        match self.register.replace(content, &tag).await {
            Ok(tag) => {
                let mut kept = self.kept();
                kept.tag = tag;
                kept.sent = sent;
                Ok(())
            }
            Err(RegisterError::Conflict) => self.look_again().await,
            // It counts only once it is seen: the next round conflicts if it went through. A refusal may be taken back
            // while the lease lasts.
            Err(RegisterError::Unavailable { .. } | RegisterError::Refused { .. }) => Ok(()),
        }
    }

    /// Somebody wrote since: a new holder, or a write of our own whose answer was lost. The latter does not
    /// move [`Kept::sent`], since nobody knows when it was sent.
    async fn look_again(&self) -> Result<(), Lost> {
        let nonce = self.kept().lease.nonce.clone();
        match self.register.get().await {
            Ok(Some((content, tag))) => match understand(&content) {
                Ok(found) if found.nonce == nonce => {
                    self.kept().tag = tag;
                    Ok(())
                }
                Ok(Lease {
                    claim: Some(claim), ..
                }) => Err(Lost {
                    why: format!("run {} by {} took it", claim.run, claim.holder),
                }),
                Ok(Lease { claim: None, .. }) => Err(Lost {
                    why: "another holder had it meanwhile".to_owned(),
                }),
                Err(error) => Err(Lost {
                    why: error.to_string(),
                }),
            },
            Ok(None) => Err(Lost {
                why: "its object is gone".to_owned(),
            }),
            Err(_) => Ok(()),
        }
    }

    async fn keep_renewing(&self) -> Lost {
        loop {
            let before = self.kept().sent;
            if let Err(lost) = self.renew().await {
                return lost;
            }
            let wait = if self.kept().sent == before {
                self.terms.poll
            } else {
                self.terms.renew
            };
            self.clock.sleep(wait).await;
        }
    }

    /// Returns when the last write that went through is too old to believe in.
    async fn lapse(&self) -> Lost {
        loop {
            let until = self.kept().sent + (self.terms.ttl - self.terms.margin);
            let now = self.clock.elapsed();
            if now >= until {
                return Lost {
                    why: "it could not be renewed in time".to_owned(),
                };
            }
            self.clock.sleep(until - now).await;
        }
    }
}

#[async_trait]
impl Guard for LeaseGuard {
    async fn keep(&self) -> Lost {
        if self.kept().is_over {
            return Lost {
                why: "it was given back or lost before".to_owned(),
            };
        }
        let lost = tokio::select! {
            biased;
            lost = self.lapse() => lost,
            lost = self.keep_renewing() => lost,
        };
        self.kept().is_over = true;
        lost
    }

    async fn release(&self) -> Result<(), LockError> {
        let (mut lease, mut tag) = {
            let mut kept = self.kept();
            if kept.is_over {
                return Ok(());
            }
            kept.is_over = true;
            (kept.lease.clone(), kept.tag.clone())
        };
        lease.claim = None;
        let content = serde_json::to_vec(&lease).expect("our own types serialise to JSON");
        for _ in 0..TRIES {
            match self.register.replace(content.clone(), &tag).await {
                Ok(_) => return Ok(()),
                Err(RegisterError::Conflict) => match self.register.get().await {
                    // A renewal of ours whose answer was lost.
                    Ok(Some((content, found))) if is_held_by(&content, &lease.nonce) => tag = found,
                    // Given back by a first try, or somebody else's: not ours to touch.
                    Ok(_) => return Ok(()),
                    Err(_) => self.clock.sleep(self.terms.poll).await,
                },
                Err(RegisterError::Unavailable { .. }) => self.clock.sleep(self.terms.poll).await,
                Err(RegisterError::Refused { what, .. }) => {
                    let what = format!("{what}; the lease lapses by itself");
                    return Err(LockError::Unavailable { what });
                }
            }
        }
        Err(LockError::Unavailable {
            what: "there was no answer; the lease lapses by itself".to_owned(),
        })
    }

    fn anchor(&self, head: Head) {
        if let Some(file) = &self.head {
            file.write(&head);
        }
        let mut kept = self.kept();
        let run = kept.lease.claim.as_ref().map(|claim| claim.run.clone());
        kept.lease.head = run.map(|run| Anchor {
            run,
            seq: head.seq,
            hash: head.hash.as_str().to_owned(),
        });
    }

    fn former(&self) -> Option<&Claim> {
        self.former.as_ref()
    }
}

fn is_held_by(content: &[u8], nonce: &str) -> bool {
    understand(content).is_ok_and(|lease| lease.nonce == nonce && lease.claim.is_some())
}

fn understand(content: &[u8]) -> Result<Lease, LockError> {
    let unavailable = |why: String| LockError::Unavailable {
        what: format!("it is not understood: {why}"),
    };
    let lease: Lease =
        serde_json::from_slice(content).map_err(|error| unavailable(error.to_string()))?;
    if lease.v != FORMAT {
        return Err(unavailable(format!("format {}", lease.v)));
    }
    Ok(lease)
}

#[cfg(test)]
mod tests;
