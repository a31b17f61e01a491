//! Bounds-checked reading of numbers and of Automerge's run-length encoded columns.

use crate::record::hold::HoldReason;

/// What run-length encoded columns are made of.
pub(super) trait Item<'a>: Copy + PartialEq {
    /// Takes one from the front.
    fn read(input: &mut Reader<'a>) -> Result<Self, HoldReason>;
}

impl Item<'_> for u64 {
    fn read(input: &mut Reader<'_>) -> Result<Self, HoldReason> {
        input.uleb()
    }
}

impl Item<'_> for i64 {
    fn read(input: &mut Reader<'_>) -> Result<Self, HoldReason> {
        input.sleb()
    }
}

impl<'a> Item<'a> for &'a str {
    fn read(input: &mut Reader<'a>) -> Result<Self, HoldReason> {
        std::str::from_utf8(input.prefixed()?).map_err(|_| HoldReason::Unreadable)
    }
}

/// A run-length encoded column: `n > 0`: n times one value; `n < 0`: −n values; `0, n`: n times none.
///
/// There are many ways to write one column, of which Automerge writes and gives back only one: the
/// longest runs. [`Runs::is_regular`] says whether this is the one.
pub(super) struct Runs<'a, T> {
    input: Reader<'a>,
    left: u64,
    run: Run,
    value: Option<T>,
    is_regular: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Before the first.
    None,
    Nulls,
    Same,
    Literal,
}

impl<'a, T: Item<'a>> Runs<'a, T> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Reader::new(bytes),
            left: 0,
            run: Run::None,
            value: None,
            is_regular: true,
        }
    }

    /// Whether what was read so far is written as Automerge writes it.
    pub(super) fn is_regular(&self) -> bool {
        self.is_regular && self.input.is_regular
    }

    /// `None` at the end of the column, `Some(None)` for an empty cell.
    pub(super) fn next(&mut self) -> Result<Option<Option<T>>, HoldReason> {
        while self.left == 0 {
            if self.input.bytes.is_empty() {
                return Ok(None);
            }
            self.next_run()?;
        }
        self.left = self.left.saturating_sub(1);
        if self.run == Run::Literal {
            let value = Some(T::read(&mut self.input)?);
            self.is_regular &= value != self.value;
            self.value = value;
        }
        Ok(Some(self.value))
    }

    /// The next operation's cell. A column that is there at all has one for every operation.
    pub(super) fn cell(&mut self) -> Result<Option<T>, HoldReason> {
        let cell = self.next()?;
        self.is_regular &= cell.is_some() || self.run == Run::None;
        Ok(cell.flatten())
    }

    fn next_run(&mut self) -> Result<(), HoldReason> {
        let count = self.input.sleb()?;
        let (before, last) = (self.run, self.value);
        if count < 0 {
            // Its values are compared with the one before as they are read.
            self.run = Run::Literal;
            self.left = count.unsigned_abs();
            self.is_regular &= before != Run::Literal;
        } else if count > 0 {
            self.run = Run::Same;
            self.left = count.unsigned_abs();
            self.value = Some(T::read(&mut self.input)?);
            self.is_regular &= count > 1 && self.value != last;
        } else {
            self.run = Run::Nulls;
            self.left = self.input.uleb()?;
            self.value = None;
            self.is_regular &= self.left > 0 && before != Run::Nulls;
        }
        // A column of nothing but empty cells is not written at all.
        self.is_regular &=
            !(before == Run::None && self.run == Run::Nulls && self.input.bytes.is_empty());
        Ok(())
    }
}

/// A column of differences to the value before.
pub(super) struct Delta<'a> {
    runs: Runs<'a, i64>,
    value: i64,
}

impl<'a> Delta<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            runs: Runs::new(bytes),
            value: 0,
        }
    }

    pub(super) fn is_regular(&self) -> bool {
        self.runs.is_regular()
    }

    /// Whether the column is at its end.
    pub(super) fn is_used_up(&mut self) -> Result<bool, HoldReason> {
        self.runs.next().map(|cell| cell.is_none())
    }

    /// The next operation's cell.
    pub(super) fn cell(&mut self) -> Result<Option<i64>, HoldReason> {
        let Some(difference) = self.runs.cell()? else {
            return Ok(None);
        };
        self.value = self
            .value
            .checked_add(difference)
            .ok_or(HoldReason::Unreadable)?;
        Ok(Some(self.value))
    }
}

/// A column of flags: lengths of runs, the first of `false`.
pub(super) struct Flags<'a> {
    input: Reader<'a>,
    left: u64,
    value: bool,
    is_regular: bool,
}

impl<'a> Flags<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Reader::new(bytes),
            left: 0,
            value: true,
            is_regular: true,
        }
    }

    pub(super) fn is_regular(&self) -> bool {
        self.is_regular && self.input.is_regular
    }

    pub(super) fn next(&mut self) -> Result<Option<bool>, HoldReason> {
        while self.left == 0 {
            if self.input.bytes.is_empty() {
                return Ok(None);
            }
            let is_first = self.input.is_untouched;
            self.left = self.input.uleb()?;
            self.value = !self.value;
            self.is_regular &= is_first || self.left > 0;
        }
        self.left = self.left.saturating_sub(1);
        Ok(Some(self.value))
    }
}

/// Takes bytes from the front.
pub(super) struct Reader<'a> {
    /// What is left.
    pub(super) bytes: &'a [u8],
    /// Whether every number was written in as few bytes as possible.
    pub(super) is_regular: bool,
    is_untouched: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            is_regular: true,
            is_untouched: true,
        }
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], HoldReason> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(len)
            .ok_or(HoldReason::Unreadable)?;
        self.bytes = rest;
        self.is_untouched = false;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], HoldReason> {
        let (taken, rest) = self
            .bytes
            .split_first_chunk()
            .ok_or(HoldReason::Unreadable)?;
        self.bytes = rest;
        self.is_untouched = false;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, HoldReason> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of things of at least `size` bytes each, which must all be there.
    pub(super) fn count(&mut self, size: usize) -> Result<u64, HoldReason> {
        let count = self.uleb()?;
        let room = self.bytes.len().checked_div(size).unwrap_or(0);
        if usize::try_from(count).is_ok_and(|count| count <= room) {
            Ok(count)
        } else {
            Err(HoldReason::Unreadable)
        }
    }

    pub(super) fn prefixed(&mut self) -> Result<&'a [u8], HoldReason> {
        let len = usize::try_from(self.uleb()?).map_err(|_| HoldReason::Unreadable)?;
        self.take(len)
    }

    pub(super) fn uleb(&mut self) -> Result<u64, HoldReason> {
        let mut value = 0_u64;
        for shift in (0_u32..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(HoldReason::Unreadable);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                self.is_regular &= byte != 0 || shift == 0;
                return Ok(value);
            }
        }
        Err(HoldReason::Unreadable)
    }

    pub(super) fn sleb(&mut self) -> Result<i64, HoldReason> {
        let mut value = 0_i64;
        let mut before = 0_u8;
        for shift in (0_u32..64).step_by(7) {
            let byte = self.byte()?;
            let bits = i64::from(byte & 0x7f);
            if shift == 63 && bits != 0 && bits != 0x7f {
                return Err(HoldReason::Unreadable);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0;
                let adds_nothing = byte == if before & 0x40 == 0 { 0 } else { 0x7f };
                self.is_regular &= shift == 0 || !adds_nothing;
                let used = shift.saturating_add(7);
                return Ok(if is_negative && used < 64 {
                    value | (-1_i64 << used)
                } else {
                    value
                });
            }
            before = byte;
        }
        Err(HoldReason::Unreadable)
    }
}
