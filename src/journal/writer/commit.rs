//! One write for all that is queued, and what it means for those who wait when it fails.

use crate::journal::body::Body;
use crate::journal::record::Line;
use crate::journal::storage::AppendError;
use crate::journal::writer::Journal;
use crate::journal::writer::JournalError;
use crate::journal::writer::Queued;
use crate::journal::writer::error::final_error;
use crate::journal::writer::settle::write;

impl Journal {
    /// Writes all that is queued in one batch; once more when the disk turned out to be full.
    pub(super) async fn commit(&self) {
        // Dropped in the middle: nobody knows what became of the write.
        let dropped = DropEnds(self);
        loop {
            let batch = std::mem::take(&mut self.inner().queue);
            if batch.is_empty() {
                break;
            }
            match self.write_batch(&batch).await {
                Ok(()) => {
                    self.acknowledge(batch);
                    break;
                }
                Err(AppendError::Full) => self.retreat(batch).await,
                Err(error) => {
                    self.end(final_error(error));
                    break;
                }
            }
        }
        std::mem::forget(dropped);
    }

    async fn write_batch(&self, batch: &[Queued]) -> Result<(), AppendError> {
        for spill in batch.iter().filter_map(|queued| queued.spill.as_ref()) {
            self.storage.put_blob(&spill.digest, &spill.bytes).await?;
        }
        let lines: Vec<Line> = batch.iter().map(|queued| queued.line.clone()).collect();
        write(self.storage.as_ref(), self.clock.as_ref(), &lines).await
    }

    fn acknowledge(&self, batch: Vec<Queued>) {
        let mut inner = self.inner();
        for Queued {
            record,
            line,
            answer,
            ..
        } in batch
        {
            inner
                .state
                .apply(&record, &line.hash)
                .expect("it was checked against the same state when it was queued");
            // Nobody waits any more when the append was dropped; the record counts all the same.
            let _ = answer.send(Ok(record.seq));
        }
        let seq = inner.state.head.seq;
        drop(inner);
        self.durable.send_replace(seq);
    }

    /// The disk is full and nothing of the batch was written: refuses what would begin something new, and
    /// queues the rest again, for which the reserve makes room.
    async fn retreat(&self, batch: Vec<Queued>) {
        let has_room = self.storage.free_reserve().await;
        if !has_room {
            self.end(JournalError::Poisoned {
                what: "there is no space left, and the reserve is used up".to_owned(),
            });
            return;
        }
        let mut inner = self.inner();
        inner.is_full = true;
        inner.planned = inner.state.clone();
        let later = std::mem::take(&mut inner.queue);
        for Queued { record, answer, .. } in batch.into_iter().chain(later) {
            if begins(&record.body) {
                let _ = answer.send(Err(JournalError::Full));
            } else if let Err((illegal, answer)) = self.queue(&mut inner, record.body, answer) {
                let _ = answer.send(Err(JournalError::Illegal(illegal)));
            }
        }
    }

    fn end(&self, error: JournalError) {
        let mut inner = self.inner();
        inner.over.get_or_insert(error);
        // Their senders are dropped, which tells those who wait to look at `over`.
        inner.queue.clear();
    }
}

/// Ends the journal when it is dropped, which happens only when a commit is dropped.
struct DropEnds<'a>(&'a Journal);

impl Drop for DropEnds<'_> {
    fn drop(&mut self) {
        self.0.end(JournalError::Poisoned {
            what: "the write was abandoned".to_owned(),
        });
    }
}

/// True for records that announce an effect: these are refused when the disk is full.
pub(super) fn begins(body: &Body) -> bool {
    match body {
        Body::Opened { .. }
        | Body::Resumed { .. }
        | Body::Intent { .. }
        | Body::Probed { .. }
        | Body::Chosen { .. }
        | Body::Asked { .. }
        | Body::Removing { .. } => true,
        Body::Named { .. }
        | Body::Answered { .. }
        | Body::Succeeded { .. }
        | Body::Failed { .. }
        | Body::Unknown { .. }
        | Body::Decided { .. }
        | Body::Skipped { .. }
        | Body::Stopping { .. }
        | Body::Halted { .. }
        | Body::Removed { .. }
        | Body::NotRemoved { .. }
        | Body::Finished { .. }
        | Body::Aborted { .. } => false,
    }
}
