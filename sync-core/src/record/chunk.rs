//! Reads one Automerge change chunk with every count bounded, before Automerge sees it.
//!
//! ```text
//! chunk   85 6f 4a 83 | checksum 4 | type u8 (1) | len uleb | body len
//! body    n uleb, n × dep 32 | len uleb, actor | seq uleb | start_op uleb | time sleb
//!         len uleb, message | n uleb, n × (len uleb, actor) | n uleb, n × (column spec uleb, len uleb)
//!         columns, one after the other | extra bytes (none in ours)
//! ```
//! A column is run-length encoded, so that a hundred bytes can claim 2⁶⁰ operations; Automerge would go
//! through them all. Here no run is followed further than [`MAX_OPS`].

mod reader;

use automerge::ChangeHash;

use self::reader::{Delta, Flags, Reader, Runs};
use super::hold::HoldReason;
use crate::id::ActorId;

/// Longest chunk that is merged: 256 KiB.
pub const MAX_CHANGE_BYTES: usize = 256 * 1024;
/// Most operations in one change.
pub const MAX_OPS: usize = 16_384;
/// Longest name of a field, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// Most earlier operations that the operations of one change replace, all together.
const MAX_PREDS: usize = 4 * MAX_OPS;
/// Operation numbers stay below this; Automerge keeps them in 32 bits.
pub(super) const MAX_OP_NUMBER: u64 = 1 << 31;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const TYPE_CHANGE: u8 = 1;
const TYPE_COMPRESSED: u8 = 2;
/// In a column spec: the column is deflated.
const SPEC_DEFLATED: u64 = 8;

/// An operation's name inside the change: index of its actor (0 is the change's own), and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct OpRef {
    pub(super) actor: usize,
    pub(super) ctr: u64,
}

/// What an operation does; the change vocabulary of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act<'a> {
    /// Sets a field of the record to a value that is no object: a text, or another one.
    Set { key: &'a str, text: Option<&'a str> },
    /// Sets a field of the record to a new, empty text.
    MakeText { key: &'a str },
    /// Takes a field's values away.
    Clear { key: &'a str },
    /// Puts a character into a text, behind another one or at its beginning.
    Insert { text: OpRef, after: Option<OpRef> },
    /// Takes a character out of a text.
    Remove { text: OpRef, element: OpRef },
}

/// One operation of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Op<'a> {
    pub(super) act: Act<'a>,
    first_pred: usize,
    pred_count: usize,
}

/// A change, taken apart.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    pub(super) checksum: [u8; 4],
    pub(super) deps: Vec<ChangeHash>,
    pub(super) actor: &'a [u8],
    pub(super) seq: u64,
    pub(super) start_op: u64,
    pub(super) time: i64,
    pub(super) others: Vec<ActorId>,
    pub(super) ops: Vec<Op<'a>>,
    /// Whether the bytes are those that Automerge would write for this content. Others merge, but the
    /// document cannot give them back, and once saved does not load again.
    pub(super) is_regular: bool,
    preds: Vec<OpRef>,
}

impl<'a> Chunk<'a> {
    /// Reads a chunk that came from somebody else.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, HoldReason> {
        if bytes.len() > MAX_CHANGE_BYTES {
            return Err(HoldReason::TooLarge);
        }
        let mut input = Reader::new(bytes);
        let magic = input.array::<4>()?;
        let checksum = input.array::<4>()?;
        let kind = input.byte()?;
        if magic != MAGIC {
            return Err(HoldReason::Unreadable);
        }
        match kind {
            TYPE_CHANGE => {}
            TYPE_COMPRESSED => return Err(HoldReason::Compressed),
            _document_bundle_or_unknown => return Err(HoldReason::NotAChange),
        }
        let len = usize::try_from(input.uleb()?).map_err(|_| HoldReason::Unreadable)?;
        let body = input.take(len)?;
        if !input.bytes.is_empty() {
            return Err(HoldReason::TrailingBytes);
        }
        let mut chunk = Self::parse_body(checksum, body)?;
        chunk.is_regular &= input.is_regular;
        Ok(chunk)
    }

    fn parse_body(checksum: [u8; 4], body: &'a [u8]) -> Result<Self, HoldReason> {
        let mut input = Reader::new(body);
        let deps = (0..input.count(ActorId::LEN)?)
            .map(|_| input.array::<32>().map(ChangeHash))
            .collect::<Result<Vec<_>, _>>()?;
        let actor = input.prefixed()?;
        let seq = input.uleb()?;
        let start_op = input.uleb()?;
        let time = input.sleb()?;
        let message = input.prefixed()?;
        std::str::from_utf8(message).map_err(|_| HoldReason::Unreadable)?;
        let others = (0..input.count(ActorId::LEN)?)
            .map(|_| ActorId::try_from(input.prefixed()?).map_err(|_| HoldReason::Unreadable))
            .collect::<Result<Vec<_>, _>>()?;
        let columns = Columns::parse(&mut input)?;
        if !input.bytes.is_empty() {
            return Err(HoldReason::AuthorFooter);
        }
        let mut rows = OpReader::new(&columns, others.len());
        let ops = rows.read_all()?;
        let mut chunk = Self {
            checksum,
            deps,
            actor,
            seq,
            start_op,
            time,
            others,
            ops,
            is_regular: input.is_regular && columns.is_regular && rows.is_regular(),
            preds: rows.preds,
        };
        chunk.is_regular &= chunk.is_in_order();
        Ok(chunk)
    }

    /// Whether deps, actors and replaced operations are in Automerge's order, none twice.
    fn is_in_order(&self) -> bool {
        let ids = |reference: &OpRef| (reference.ctr, self.actor_bytes(reference));
        self.deps.is_sorted_by(|a, b| a < b)
            && self.others.is_sorted_by(|a, b| a < b)
            && self
                .others
                .iter()
                .all(|other| other.as_bytes() != self.actor)
            && self
                .ops
                .iter()
                .all(|op| self.preds(op).is_sorted_by(|a, b| ids(a) < ids(b)))
    }

    fn actor_bytes(&self, reference: &OpRef) -> &[u8] {
        let other = reference
            .actor
            .checked_sub(1)
            .and_then(|other| self.others.get(other));
        other.map_or(self.actor, |other| other.as_bytes())
    }

    /// The earlier operations that `op` replaces.
    pub(super) fn preds(&self, op: &Op<'_>) -> &[OpRef] {
        let end = op.first_pred.saturating_add(op.pred_count);
        self.preds.get(op.first_pred..end).unwrap_or_default()
    }

    /// Each operation with its number.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u64, &Op<'a>)> {
        (self.start_op..).zip(&self.ops)
    }
}

/// The columns that this version knows, each empty where the change has none.
#[derive(Default)]
struct Columns<'a> {
    obj_actor: &'a [u8],
    obj_ctr: &'a [u8],
    key_actor: &'a [u8],
    key_ctr: &'a [u8],
    key_str: &'a [u8],
    insert: &'a [u8],
    action: &'a [u8],
    value_meta: &'a [u8],
    value: &'a [u8],
    pred_group: &'a [u8],
    pred_actor: &'a [u8],
    pred_ctr: &'a [u8],
    is_regular: bool,
}

impl<'a> Columns<'a> {
    fn parse(input: &mut Reader<'a>) -> Result<Self, HoldReason> {
        let specs = (0..input.count(2)?)
            .map(|_| Ok((input.uleb()?, input.uleb()?)))
            .collect::<Result<Vec<_>, HoldReason>>()?;
        let mut columns = Self {
            is_regular: true,
            ..Self::default()
        };
        let mut last = None;
        for (spec, len) in specs {
            if spec & SPEC_DEFLATED != 0 {
                return Err(HoldReason::Compressed);
            }
            if last >= Some(spec) {
                return Err(HoldReason::Unreadable);
            }
            last = Some(spec);
            let len = usize::try_from(len).map_err(|_| HoldReason::Unreadable)?;
            let data = input.take(len)?;
            columns.is_regular &= len > 0;
            let column = columns.by_spec(spec).ok_or(HoldReason::UnknownOperation)?;
            *column = data;
        }
        Ok(columns)
    }

    /// A spec is the column's id × 16 + its type.
    fn by_spec(&mut self, spec: u64) -> Option<&mut &'a [u8]> {
        Some(match spec {
            0x01 => &mut self.obj_actor,
            0x02 => &mut self.obj_ctr,
            0x11 => &mut self.key_actor,
            0x13 => &mut self.key_ctr,
            0x15 => &mut self.key_str,
            0x34 => &mut self.insert,
            0x42 => &mut self.action,
            0x56 => &mut self.value_meta,
            0x57 => &mut self.value,
            0x70 => &mut self.pred_group,
            0x71 => &mut self.pred_actor,
            0x73 => &mut self.pred_ctr,
            _marks_and_unknown => return None,
        })
    }
}

/// Walks all columns side by side, one operation at a time.
struct OpReader<'a> {
    /// For each actor of the change, whether some operation names it.
    named: Vec<bool>,
    are_values_regular: bool,
    obj_actor: Runs<'a, u64>,
    obj_ctr: Runs<'a, u64>,
    key_actor: Runs<'a, u64>,
    key_ctr: Delta<'a>,
    key_str: Runs<'a, &'a str>,
    insert: Flags<'a>,
    action: Runs<'a, u64>,
    value_meta: Runs<'a, u64>,
    value: Reader<'a>,
    pred_group: Runs<'a, u64>,
    pred_actor: Runs<'a, u64>,
    pred_ctr: Delta<'a>,
    preds: Vec<OpRef>,
}

impl<'a> OpReader<'a> {
    fn new(columns: &Columns<'a>, others: usize) -> Self {
        Self {
            named: vec![false; others.saturating_add(1)],
            are_values_regular: true,
            obj_actor: Runs::new(columns.obj_actor),
            obj_ctr: Runs::new(columns.obj_ctr),
            key_actor: Runs::new(columns.key_actor),
            key_ctr: Delta::new(columns.key_ctr),
            key_str: Runs::new(columns.key_str),
            insert: Flags::new(columns.insert),
            action: Runs::new(columns.action),
            value_meta: Runs::new(columns.value_meta),
            value: Reader::new(columns.value),
            pred_group: Runs::new(columns.pred_group),
            pred_actor: Runs::new(columns.pred_actor),
            pred_ctr: Delta::new(columns.pred_ctr),
            preds: Vec::new(),
        }
    }

    fn read_all(&mut self) -> Result<Vec<Op<'a>>, HoldReason> {
        let mut ops = Vec::new();
        while let Some(action) = self.action.next()? {
            if ops.len() >= MAX_OPS {
                return Err(HoldReason::TooManyOps);
            }
            let action = action.ok_or(HoldReason::Unreadable)?;
            ops.push(self.read_op(action)?);
        }
        if ops.is_empty() {
            return Err(HoldReason::Empty);
        }
        if !self.is_used_up()? {
            return Err(HoldReason::Unreadable);
        }
        Ok(ops)
    }

    /// Whether all that was read is written as Automerge writes it.
    fn is_regular(&self) -> bool {
        self.are_values_regular
            && self.named.iter().skip(1).all(|is_named| *is_named)
            && self.obj_actor.is_regular()
            && self.obj_ctr.is_regular()
            && self.key_actor.is_regular()
            && self.key_ctr.is_regular()
            && self.key_str.is_regular()
            && self.insert.is_regular()
            && self.action.is_regular()
            && self.value_meta.is_regular()
            && self.pred_group.is_regular()
            && self.pred_actor.is_regular()
            && self.pred_ctr.is_regular()
    }

    /// Every other column must end with the last operation; what hangs over would be lost on saving.
    fn is_used_up(&mut self) -> Result<bool, HoldReason> {
        Ok(self.obj_actor.next()?.is_none()
            && self.obj_ctr.next()?.is_none()
            && self.key_actor.next()?.is_none()
            && self.key_ctr.is_used_up()?
            && self.key_str.next()?.is_none()
            && self.insert.next()?.is_none()
            && self.value_meta.next()?.is_none()
            && self.value.bytes.is_empty()
            && self.pred_group.next()?.is_none()
            && self.pred_actor.next()?.is_none()
            && self.pred_ctr.is_used_up()?)
    }

    fn read_op(&mut self, action: u64) -> Result<Op<'a>, HoldReason> {
        let object = self.read_object()?;
        let (element, key) = self.read_key()?;
        let is_insert = self.insert.next()?.ok_or(HoldReason::Unreadable)?;
        let value = self.read_value()?;
        let (first_pred, pred_count) = self.read_preds()?;
        let has_preds = pred_count > 0;
        let act = match (object, key, element) {
            (None, Some(key), None) if !is_insert => field_act(action, key, &value)
                .filter(|act| has_preds || !matches!(act, Act::Clear { .. })),
            (Some(text), None, Some(element)) if is_insert && !has_preds => {
                inserts_one_character(action, &value).then_some(Act::Insert {
                    text,
                    after: element.0,
                })
            }
            (Some(text), None, Some(Element(Some(element)))) if !is_insert && has_preds => {
                (action == ACTION_DELETE && value.kind == VALUE_NULL)
                    .then_some(Act::Remove { text, element })
            }
            _other_shapes => None,
        };
        let act = act.ok_or(HoldReason::UnknownOperation)?;
        Ok(Op {
            act,
            first_pred,
            pred_count,
        })
    }

    fn op_ref(&mut self, actor: u64, ctr: u64) -> Result<OpRef, HoldReason> {
        let actor = usize::try_from(actor).map_err(|_| HoldReason::BadReference)?;
        let is_named = self.named.get_mut(actor).ok_or(HoldReason::BadReference)?;
        *is_named = true;
        if ctr == 0 || ctr >= MAX_OP_NUMBER {
            return Err(HoldReason::BadReference);
        }
        Ok(OpRef { actor, ctr })
    }

    /// `None` is the record itself.
    fn read_object(&mut self) -> Result<Option<OpRef>, HoldReason> {
        let actor = self.obj_actor.cell()?;
        let ctr = self.obj_ctr.cell()?;
        match (actor, ctr) {
            (None, None) => Ok(None),
            (Some(actor), Some(ctr)) => self.op_ref(actor, ctr).map(Some),
            (Some(_), None) | (None, Some(_)) => Err(HoldReason::Unreadable),
        }
    }

    fn read_key(&mut self) -> Result<(Option<Element>, Option<&'a str>), HoldReason> {
        let actor = self.key_actor.cell()?;
        let ctr = self.key_ctr.cell()?;
        let name = self.key_str.cell()?;
        if name.is_some_and(|name| name.len() > KEY_BYTES_MAX) {
            return Err(HoldReason::TooLarge);
        }
        match (actor, ctr, name) {
            (None, None, Some(name)) => Ok((None, Some(name))),
            (None, Some(0), None) => Ok((Some(Element(None)), None)),
            (Some(actor), Some(ctr), None) => {
                let ctr = u64::try_from(ctr).map_err(|_| HoldReason::BadReference)?;
                Ok((Some(Element(Some(self.op_ref(actor, ctr)?))), None))
            }
            _other_shapes => Err(HoldReason::Unreadable),
        }
    }

    fn read_value(&mut self) -> Result<Scalar<'a>, HoldReason> {
        let meta = self.value_meta.cell()?.ok_or(HoldReason::Unreadable)?;
        let len = usize::try_from(meta >> 4).map_err(|_| HoldReason::Unreadable)?;
        let kind = meta & 15;
        // Automerge does not read the bytes of these; what it skips must not be there.
        if kind <= VALUE_LAST_WITHOUT_BYTES && len > 0 {
            return Err(HoldReason::Unreadable);
        }
        let bytes = self.value.take(len)?;
        let mut number = Reader::new(bytes);
        match kind {
            VALUE_UINT => number.uleb().map(drop)?,
            VALUE_INT | VALUE_COUNTER | VALUE_TIMESTAMP => number.sleb().map(drop)?,
            _not_a_number => {}
        }
        self.are_values_regular &= number.is_regular;
        Ok(Scalar { kind, bytes })
    }

    fn read_preds(&mut self) -> Result<(usize, usize), HoldReason> {
        let first = self.preds.len();
        let count = self.pred_group.cell()?.unwrap_or(0);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > MAX_PREDS.saturating_sub(first) {
            return Err(HoldReason::TooManyOps);
        }
        for _ in 0..count {
            let actor = self.pred_actor.cell()?.ok_or(HoldReason::Unreadable)?;
            let ctr = self.pred_ctr.cell()?.ok_or(HoldReason::Unreadable)?;
            let ctr = u64::try_from(ctr).map_err(|_| HoldReason::BadReference)?;
            let pred = self.op_ref(actor, ctr)?;
            self.preds.push(pred);
        }
        Ok((first, count))
    }
}

/// A place in a text: behind a character, or (`None`) at the beginning.
struct Element(Option<OpRef>);

struct Scalar<'a> {
    kind: u64,
    bytes: &'a [u8],
}

const ACTION_SET: u64 = 1;
const ACTION_DELETE: u64 = 3;
const ACTION_MAKE_TEXT: u64 = 4;

const VALUE_NULL: u64 = 0;
/// Nothing, no and yes.
const VALUE_LAST_WITHOUT_BYTES: u64 = 2;
const VALUE_UINT: u64 = 3;
const VALUE_INT: u64 = 4;
const VALUE_STRING: u64 = 6;
const VALUE_COUNTER: u64 = 8;
const VALUE_TIMESTAMP: u64 = 9;
const VALUE_LAST_KNOWN: u64 = VALUE_TIMESTAMP;

fn field_act<'a>(action: u64, key: &'a str, value: &Scalar<'a>) -> Option<Act<'a>> {
    match action {
        ACTION_SET if value.kind <= VALUE_LAST_KNOWN && value.kind != VALUE_COUNTER => {
            let text = (value.kind == VALUE_STRING).then_some(value.bytes);
            let text = text.and_then(|bytes| std::str::from_utf8(bytes).ok());
            Some(Act::Set { key, text })
        }
        ACTION_MAKE_TEXT if value.kind == VALUE_NULL => Some(Act::MakeText { key }),
        ACTION_DELETE if value.kind == VALUE_NULL => Some(Act::Clear { key }),
        _unknown => None,
    }
}

fn inserts_one_character(action: u64, value: &Scalar<'_>) -> bool {
    let is_one = std::str::from_utf8(value.bytes).is_ok_and(|text| text.chars().count() == 1);
    action == ACTION_SET && value.kind == VALUE_STRING && is_one
}
