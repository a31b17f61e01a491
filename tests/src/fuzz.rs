//! What must hold whatever bytes come: each target takes bytes, gives nothing, and panics if something
//! is wrong.
//!
//! The programs in `tests/fuzz` feed them to libFuzzer, which looks for bytes that go new ways. What it
//! found and what [`Target::seeds`] makes is kept in `tests/fuzz/corpus`, one folder for each target, and
//! is taken again by every test run, as it is and changed at random.
//!
//! ```text
//! frame batches batch join        frames, and batches inside of them
//! heads session                   lists of heads; a whole session
//! blobs                           photos from somebody who sends what they like
//! statement roster                roster statements; a roster of any statements
//! ticket peer_… device_… recovery_… what people type or scan
//! bundle                          a file that is carried by hand, and what is sealed in it
//! certificate roster_file         what somebody checks who is no member
//! sealed_… wrapped_key            what keys open
//! compressed payload change       a change, from what was sealed to what is merged
//! assignments schema addition     what people type into fields, and what says which fields there are
//! ```

mod batch;
mod blobs;
mod bundle;
mod change;
mod content;
mod field;
mod frame;
mod genuine;
mod paper;
mod roster;
mod sealed;
mod session;
mod statement;
mod text;

#[path = "../../sync-core/tests/fixtures/expected.rs"]
#[expect(dead_code, reason = "the test of the fixtures uses the rest")]
mod expected;

/// Something that takes bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What its program and its folder in the corpus are called.
    pub name: &'static str,
    /// Takes an input; panics if something is wrong.
    pub run: fn(&[u8]),
    /// Inputs to begin with: good ones, from which a fuzzer finds its way into the bad ones.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many changed inputs a test run tries: as many as take about half a second.
    pub mutations: usize,
}

macro_rules! target {
    ($module:ident :: $name:ident, $mutations:expr) => {
        Target {
            name: stringify!($name),
            run: $module::$name,
            seeds: $module::seeds::$name,
            mutations: $mutations,
        }
    };
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target!(frame::frame, 16_000),
    target!(batch::batches, 8_000),
    target!(batch::batch, 8_000),
    target!(batch::join, 8_000),
    target!(session::heads, 2_000),
    target!(session::session, 800),
    target!(blobs::blobs, 60),
    target!(statement::statement, 16_000),
    target!(roster::roster, 160),
    target!(text::ticket, 8_000),
    target!(text::peer_code, 8_000),
    target!(text::device_invitation, 8_000),
    target!(text::device_answer, 8_000),
    target!(text::recovery_sheet, 8_000),
    target!(text::recovery_key, 16_000),
    target!(text::relay_address, 16_000),
    target!(bundle::bundle, 1_500),
    target!(paper::certificate, 8_000),
    target!(paper::roster_file, 800),
    target!(sealed::sealed_key, 2_000),
    target!(sealed::wrapped_key, 16_000),
    target!(sealed::sealed_text, 16_000),
    target!(sealed::sealed_entry, 16_000),
    target!(content::compressed, 4_000),
    target!(content::payload, 16_000),
    target!(change::change, 400),
    target!(field::assignments, 16_000),
    target!(field::schema, 4_000),
    target!(field::addition, 400),
];

/// Gives an input to the target of this name.
///
/// # Panics
/// If something is wrong with what the target makes of it, or there is no such target.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("the programs are called as the targets are");
    (target.run)(input);
}

/// Bytes taken from the front of an input, as long as there are some.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A length in two bytes and so many bytes; fewer where the input ends.
    fn prefixed(&mut self) -> Option<&'a [u8]> {
        let len = u16::from_be_bytes([self.byte()?, self.byte()?]);
        Some(self.take(usize::from(len)))
    }

    /// One of these.
    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let choice = usize::from(self.byte()?);
        from.get(choice.checked_rem(from.len())?).copied()
    }
}

/// Puts a length in two bytes before some bytes, as [`Input::prefixed`] takes them off.
fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).expect("seeds are small");
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}
