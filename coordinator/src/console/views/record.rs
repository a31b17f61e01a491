//! A record, and what is to be decided about records.

use super::duplicates::Twin;
use super::shared::{Change, ConsentNote, Step};

/// A form for something about the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Onward {
    pub(crate) href: String,
    pub(crate) icon: String,
    /// "居民需求".
    pub(crate) label: String,
}

/// A photo, a recording or a paper. Addresses are empty where there is nothing to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) href: String,
    pub(crate) name: String,
    /// What it is, how large, of whom, and when.
    pub(crate) meta: String,
    /// Whether it is here, and elsewhere.
    pub(crate) place: String,
    pub(crate) place_tone: String,
    pub(crate) place_icon: String,
    pub(crate) preview: String,
    /// There is a preview, and personal fields are hidden.
    pub(crate) is_masked: bool,
    pub(crate) alt: String,
    pub(crate) sound: String,
    pub(crate) original: String,
    pub(crate) file_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) href: String,
    pub(crate) kind_key: String,
    pub(crate) kind: String,
    pub(crate) space: String,
    pub(crate) space_href: String,
    pub(crate) title: String,
    pub(crate) made_line: String,
    pub(crate) can_edit: bool,
    /// A session's page for the projector; else empty.
    pub(crate) wall_href: String,
    pub(crate) can_erase: bool,
    /// "The content of … will be deleted on every device."
    pub(crate) erase_ask: String,
    /// What speaks for it: kept for long enough, consent withdrawn.
    pub(crate) erase_reasons: Vec<String>,
    pub(crate) has_masked: bool,
    /// "显示个人信息" or "遮住个人信息".
    pub(crate) show_word: String,
    pub(crate) show_href: String,
    /// Other records that are about the same.
    pub(crate) twins: Vec<Twin>,
    /// Of a person or a home: one.
    pub(crate) consents: Vec<ConsentNote>,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) fields: Vec<Field>,
    pub(crate) has_empty_fields: bool,
    /// "没填的：照片、地点。".
    pub(crate) empty_fields: String,
    pub(crate) has_links: bool,
    /// Out and in.
    pub(crate) links: Vec<LinkLine>,
    pub(crate) attached: Vec<Attached>,
    pub(crate) can_attach: bool,
    /// The record is itself what is attached to another one.
    pub(crate) is_attachment: bool,
    /// Why a file was not taken; may be empty.
    pub(crate) file_error: String,
    /// Forms for what may be written about it.
    pub(crate) onward: Vec<Onward>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) can_comment: bool,
    /// Newest first, one page.
    pub(crate) history: Vec<Turn>,
    pub(crate) has_older: bool,
    pub(crate) older: String,
    pub(crate) older_href: String,
    pub(crate) state: String,
    pub(crate) state_tone: String,
    pub(crate) state_icon: String,
    /// Only those that this person may make.
    pub(crate) moves: Vec<Move>,
    pub(crate) id_line: String,
    /// From 1 (saved here) to 4 (with a coordinator).
    pub(crate) tick: u8,
    pub(crate) tick_word: String,
    /// The four of them.
    pub(crate) ticks: Vec<Step>,
    /// It waits for this person's look.
    pub(crate) can_review: bool,
    /// It came back with a reason.
    pub(crate) is_returned: bool,
    pub(crate) return_title: String,
    pub(crate) return_reason: String,
    /// The reason points at a field.
    pub(crate) has_pointed: bool,
    pub(crate) pointed_key: String,
    pub(crate) pointed_line: String,
    /// Records of some kinds have none.
    pub(crate) has_state: bool,
    pub(crate) has_reason_moves: bool,
    /// Moves that are not made without a reason.
    pub(crate) reason_moves: Vec<Move>,
    /// What was typed.
    pub(crate) reason_typed: String,
    pub(crate) has_reason_error: bool,
    pub(crate) reason_error: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) field_key: String,
    pub(crate) title: String,
    /// Says so when it is the reader's own value that is not shown.
    pub(crate) lead: String,
    pub(crate) options: Vec<Rival>,
    /// Texts can stand one after the other.
    pub(crate) can_keep_both: bool,
    /// One of them is a state that needs a reason, and came without one.
    pub(crate) asks_reason: bool,
    /// Names all values as they are shown, and goes back with the choice.
    pub(crate) seen: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rival {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) by: String,
    /// What its author saw in the field before.
    pub(crate) saw: String,
    /// The reason that its author gave with it; may be empty.
    pub(crate) reason: String,
    pub(crate) shown: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) label: String,
    /// Line breaks are kept.
    pub(crate) value: String,
    /// "周炳添 · 今天 08:47 · 和李桂兰的修改自动并好".
    pub(crate) by: String,
    pub(crate) personal: bool,
    pub(crate) is_link: bool,
    pub(crate) href: String,
    /// "两人写的不同".
    pub(crate) has_flag: bool,
    pub(crate) flag: String,
    pub(crate) flag_tone: String,
    pub(crate) flag_icon: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LinkLine {
    pub(crate) href: String,
    pub(crate) icon: String,
    pub(crate) title: String,
    pub(crate) meta: String,
    pub(crate) state: String,
    pub(crate) tone: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) initial: String,
    pub(crate) who: String,
    pub(crate) when: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) initial: String,
    pub(crate) who: String,
    pub(crate) act: String,
    pub(crate) when: String,
    /// With whose changes it was merged; may be empty.
    pub(crate) note: String,
    pub(crate) changes: Vec<Change>,
    /// Names the step in the form that takes it back.
    pub(crate) id: String,
    pub(crate) can_undo: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) value: String,
    pub(crate) label: String,
}

/// What is left of a record that was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Erased {
    pub(crate) id: String,
    /// Who erased it.
    pub(crate) line: String,
    /// "Who has erased it (3 of 5 devices)".
    pub(crate) receipts_title: String,
    /// Those who have not, first.
    pub(crate) receipts: Vec<Receipt>,
}

/// A device or relay that has erased something, or has still to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) is_done: bool,
    pub(crate) line: String,
}

/// All records that were erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Erasures {
    pub(crate) rows: Vec<ErasureLine>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ErasureLine {
    pub(crate) href: String,
    pub(crate) line: String,
    pub(crate) is_done: bool,
    /// "3 of 5 devices have confirmed".
    pub(crate) confirmed: String,
}
