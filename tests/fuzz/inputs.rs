//! Makes inputs from those that are kept. The same seed makes the same inputs, and a shorter story of how an input
//! was made gives a shorter input, which is what proptest looks for when one fails.

use proptest::prelude::Just;
use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::prop_oneof;
use proptest::sample::Index;
use proptest::strategy::Strategy;

use crate::targets::Target;

/// One change of bytes.
#[derive(Clone, Debug)]
enum Edit {
    Put(Index, u8),
    Flip(Index, u8),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    /// A piece from one place once more at another.
    Copy(Index, usize, Index),
    /// The same piece many times, to see what grows faster than its input.
    Repeat(Index, usize, usize),
    CutAt(Index),
}

/// Numbers at the edges of what the formats hold.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e400",
    "0.1",
];

/// Inputs for a target.
pub fn inputs(target: &Target, kept: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let size_max = target.size_max;
    let words: Vec<Vec<u8>> = target
        .words
        .iter()
        .chain(&NUMBERS)
        .map(|word| word.as_bytes().to_vec())
        .collect();
    let lines: Vec<Vec<u8>> = kept
        .iter()
        .flat_map(|input| input.split_inclusive(|byte| *byte == b'\n'))
        .map(<[u8]>::to_vec)
        .collect();
    let edits = prop::collection::vec(edit(words.clone()), 0..6);
    let changed =
        (prop::sample::select(kept.to_vec()), edits).prop_map(|(input, edits)| apply(input, edits));
    let put_together =
        prop::collection::vec(prop::sample::select(lines), 0..40).prop_map(|lines| lines.concat());
    let spoken =
        prop::collection::vec(prop::sample::select(words), 0..60).prop_map(|words| words.concat());
    prop_oneof![6 => changed, 2 => put_together, 2 => spoken, 1 => any::<Vec<u8>>()].prop_map(
        move |mut input| {
            input.truncate(size_max);
            input
        },
    )
}

fn edit(words: Vec<Vec<u8>>) -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    let inserted = prop_oneof![
        3 => prop::sample::select(words),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
        1 => Just(b"\n".to_vec()),
    ];
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Put(at, byte)),
        2 => (at(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        3 => (at(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        6 => (at(), inserted).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        3 => (at(), 1..200_usize, at()).prop_map(|(from, length, to)| Edit::Copy(from, length, to)),
        1 => (at(), 1..40_usize, 2..400_usize)
            .prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => at().prop_map(Edit::CutAt),
    ]
}

fn apply(mut input: Vec<u8>, edits: Vec<Edit>) -> Vec<u8> {
    for edit in edits {
        // An index is of one place more than there are bytes: behind the last.
        let place = |index: Index| index.index(input.len() + 1);
        let end = |from: usize, length: usize| (from + length).min(input.len());
        match edit {
            Edit::Put(at, byte) => {
                let at = place(at);
                if let Some(there) = input.get_mut(at) {
                    *there = byte;
                }
            }
            Edit::Flip(at, bit) => {
                let at = place(at);
                if let Some(there) = input.get_mut(at) {
                    *there ^= 1 << bit;
                }
            }
            Edit::Remove(at, length) => {
                let at = place(at);
                let end = end(at, length);
                input.drain(at..end);
            }
            Edit::Insert(at, bytes) => {
                let at = place(at);
                input.splice(at..at, bytes);
            }
            Edit::Copy(from, length, to) => {
                let (from, to) = (place(from), place(to));
                let piece = input[from..end(from, length)].to_vec();
                input.splice(to..to, piece);
            }
            Edit::Repeat(at, length, times) => {
                let at = place(at);
                let piece = input[at..end(at, length)].repeat(times);
                input.splice(at..at, piece);
            }
            Edit::CutAt(at) => {
                let at = place(at);
                input.truncate(at);
            }
        }
    }
    input
}
