//! Turns one seed into all the chance of a schedule: SplitMix64 (Steele, Lea, Flood 2014), our own so that
//! a seed means the same for ever, whatever version of whatever library.

use std::sync::Mutex;

use salvor::surroundings::Randomness;

/// A stream of chance.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of a seed for one purpose: independent of how much another purpose draws.
    pub fn stream(seed: u64, purpose: u64) -> Self {
        let mut mixed = Self(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(mixed.next())
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to and without `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// The same for places in a list.
    pub fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).expect("less than a usize")
    }

    /// A number of this range, both ends included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True so many times of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())].clone()
    }

    /// A number below 2^`bits_max`, small ones as often as large ones.
    pub fn log_uniform(&mut self, bits_max: u64) -> u64 {
        let bits = self.between(1, bits_max);
        self.below(1 << bits)
    }
}

/// The randomness that the code under test is given.
pub struct Given(Mutex<Random>);

impl Given {
    /// Of this stream.
    pub fn new(random: Random) -> Self {
        Self(Mutex::new(random))
    }
}

impl Randomness for Given {
    fn bits(&self) -> u64 {
        self.0.lock().expect("drawing does not panic").next()
    }
}
