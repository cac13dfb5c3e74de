//! One small object in a shared store, changed only by who saw its last version.
//!
//! On an object store a tag is an ETag and the two conditional writes are `If-None-Match: *` and `If-Match`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use async_trait::async_trait;

/// The version of a register's content; equal tags mean that nobody wrote between.
pub use salvor_contract::VersionTag as Tag;

/// Why a register did not do as it was asked.
pub use salvor_contract::SharedError as RegisterError;

/// One small object in a shared store.
#[async_trait]
pub trait Register: Send + Sync {
    /// The content and its tag, when there is any.
    ///
    /// # Errors
    /// [`RegisterError::Unavailable`] and [`RegisterError::Refused`], which the other two can give as well.
    async fn get(&self) -> Result<Option<(Vec<u8>, Tag)>, RegisterError>;

    /// Writes the first content.
    ///
    /// # Errors
    /// [`RegisterError::Conflict`] when there is one; [`RegisterError::Unavailable`] may have written it.
    async fn create(&self, content: Vec<u8>) -> Result<Tag, RegisterError>;

    /// Writes in place of the content of this tag.
    ///
    /// # Errors
    /// [`RegisterError::Conflict`] when the tag is another; [`RegisterError::Unavailable`] may have written it.
    async fn replace(&self, content: Vec<u8>, tag: &Tag) -> Result<Tag, RegisterError>;
}

/// A register in memory that can lose questions and answers. Clones are the same register.
#[derive(Clone, Default)]
pub struct MemoryRegister(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    content: Option<Vec<u8>>,
    version: u64,
    late: VecDeque<(Vec<u8>, Option<u64>)>,
}

/// What happens to one write of a [`MemoryRegister`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// Nothing.
    None,
    /// It is written, and the answer is lost.
    LostAnswer,
    /// It is not written, and the answer is lost.
    LostRequest,
    /// The caller hears nothing, and it arrives at [`MemoryRegister::deliver_late`].
    Late,
}

impl MemoryRegister {
    /// Writes under a fault: the content in place of that of `tag`, or as the first one.
    ///
    /// # Errors
    /// As for [`Register::replace`].
    pub fn write(
        &self,
        content: Vec<u8>,
        tag: Option<&Tag>,
        fault: WriteFault,
    ) -> Result<Tag, RegisterError> {
        let expected = tag.map(|tag| tag.0.parse().expect("a tag of this register"));
        let lost = RegisterError::Unavailable {
            what: "the connection was closed".to_owned(),
        };
        let mut kept = self.kept();
        match fault {
            WriteFault::None => kept.write(content, expected),
            WriteFault::LostAnswer => kept.write(content, expected).and(Err(lost)),
            WriteFault::LostRequest => Err(lost),
            WriteFault::Late => {
                kept.late.push_back((content, expected));
                Err(lost)
            }
        }
    }

    /// Lets the writes arrive that are still on their way.
    pub fn deliver_late(&self) {
        let mut kept = self.kept();
        while let Some((content, expected)) = kept.late.pop_front() {
            // Nobody waits for the answer.
            let _ = kept.write(content, expected);
        }
    }

    /// The content and its tag.
    pub fn content(&self) -> Option<(Vec<u8>, Tag)> {
        let kept = self.kept();
        kept.content.clone().map(|content| (content, kept.tag()))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

impl Kept {
    fn tag(&self) -> Tag {
        Tag(self.version.to_string())
    }

    fn write(&mut self, content: Vec<u8>, expected: Option<u64>) -> Result<Tag, RegisterError> {
        let found = self.content.is_some().then_some(self.version);
        if found != expected {
            return Err(RegisterError::Conflict);
        }
        self.content = Some(content);
        self.version += 1;
        Ok(self.tag())
    }
}

#[async_trait]
impl Register for MemoryRegister {
    async fn get(&self) -> Result<Option<(Vec<u8>, Tag)>, RegisterError> {
        Ok(self.content())
    }

    async fn create(&self, content: Vec<u8>) -> Result<Tag, RegisterError> {
        self.write(content, None, WriteFault::None)
    }

    async fn replace(&self, content: Vec<u8>, tag: &Tag) -> Result<Tag, RegisterError> {
        self.write(content, Some(tag), WriteFault::None)
    }
}
