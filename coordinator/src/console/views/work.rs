//! Pages of the day.

use super::begin::Waiting;
use super::shared::{
    Choice, ConsentNote, Filter, FormError, Input, Notice, Number, PersonLine, Row, Step,
};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Today {
    /// "王芳，早上好".
    pub(crate) greeting: String,
    /// This device has not been added yet, and shows what is needed for that.
    pub(crate) waiting: Waiting,
    /// A demonstration made the community: what there is to look at.
    pub(crate) has_tour: bool,
    pub(crate) tour: Vec<Step>,
    /// It has been put away, and can be shown again.
    pub(crate) can_show_tour: bool,
    /// "9月17日 星期四。有 9 件事等你。".
    pub(crate) lead: String,
    /// Three: review, decide, late; of a volunteer: returned, mine, late.
    pub(crate) queues: Vec<Queue>,
    /// Something waits to be erased, and this person may.
    pub(crate) has_erase: bool,
    pub(crate) erase: Vec<QueueRow>,
    /// What others wrote to this person lately, at most 3.
    pub(crate) told: Vec<FeedLine>,
    pub(crate) week_title: String,
    /// Six.
    pub(crate) numbers: Vec<Number>,
    pub(crate) as_of: String,
    /// Somebody has not been heard from.
    pub(crate) has_missing: bool,
    pub(crate) missing: String,
    /// Who has been quiet or lacks something, at most 5.
    pub(crate) people: Vec<PersonLine>,
    pub(crate) has_feed: bool,
    /// At most 6.
    pub(crate) feed: Vec<FeedLine>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) icon: String,
    /// Good when empty.
    pub(crate) tone: String,
    /// The whole queue, as a list.
    pub(crate) href: String,
    pub(crate) count: String,
    /// "等你审核：4 件".
    pub(crate) count_words: String,
    pub(crate) lead: String,
    pub(crate) has_items: bool,
    /// The first three.
    pub(crate) rows: Vec<QueueRow>,
    pub(crate) has_more: bool,
    /// "全部 4 件".
    pub(crate) more: String,
    /// Said when there is nothing.
    pub(crate) empty: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct QueueRow {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) meta: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FeedLine {
    pub(crate) initial: String,
    pub(crate) href: String,
    pub(crate) text: String,
    pub(crate) meta: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) count_line: String,
    /// All, new, mine, unsent, conflicts, then the person's own (POST /views: name, query).
    pub(crate) views: Vec<SavedView>,
    pub(crate) save: SaveView,
    pub(crate) q: String,
    /// Kind state village person period flag sort.
    pub(crate) filters: Vec<Filter>,
    /// Conditions without a select: value is the name, label the value.
    pub(crate) kept: Vec<Choice>,
    pub(crate) filters_open: bool,
    /// "筛选和排列（已选 2 项）".
    pub(crate) filter_line: String,
    pub(crate) has_active: bool,
    /// What is filtered by; href drops it.
    pub(crate) active: Vec<Active>,
    pub(crate) has_rows: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) has_prev: bool,
    pub(crate) prev_href: String,
    pub(crate) has_next: bool,
    pub(crate) next_href: String,
    pub(crate) as_of: String,
    /// Somebody has not been heard from.
    pub(crate) has_missing: bool,
    pub(crate) missing: String,
    pub(crate) empty_icon: String,
    pub(crate) empty_title: String,
    pub(crate) empty_text: String,
    /// No match (offers "clear all") rather than an empty store (offers to begin).
    pub(crate) can_clear: bool,
    /// Shows or hides personal fields.
    pub(crate) show_word: String,
    /// Where that leads.
    pub(crate) show_href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SavedView {
    pub(crate) label: String,
    pub(crate) count: String,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// What can be done with the list that is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SaveView {
    pub(crate) can_save: bool,
    pub(crate) query: String,
    /// The name as it was typed.
    pub(crate) typed: String,
    /// Most characters of it.
    pub(crate) most: usize,
    pub(crate) has_error: bool,
    pub(crate) error: String,
    /// It is a saved one.
    pub(crate) can_remove: bool,
    /// What the button says.
    pub(crate) remove: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Active {
    pub(crate) href: String,
    pub(crate) label: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct New {
    pub(crate) kinds: Vec<KindTile>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KindTile {
    pub(crate) href: String,
    pub(crate) icon: String,
    pub(crate) label: String,
    pub(crate) hint: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) title: String,
    pub(crate) lead: String,
    /// Where it came from.
    pub(crate) up: String,
    pub(crate) up_href: String,
    pub(crate) action: String,
    /// Heads that the person edits from: the change builds on these.
    pub(crate) seen: String,
    pub(crate) has_errors: bool,
    pub(crate) errors_title: String,
    pub(crate) errors: Vec<FormError>,
    pub(crate) notices: Vec<Notice>,
    /// Of those whom the record is about.
    pub(crate) consents: Vec<ConsentNote>,
    pub(crate) inputs: Vec<Input>,
    /// POST do=save.
    pub(crate) save_label: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ErrorPage {
    pub(crate) icon: String,
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) has_steps: bool,
    pub(crate) steps: Vec<String>,
    pub(crate) kept: String,
    pub(crate) href: String,
    pub(crate) link: String,
    pub(crate) code: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) title: String,
    pub(crate) lead: String,
    /// Else: used or expired, with steps.
    pub(crate) is_good: bool,
    pub(crate) link: String,
    pub(crate) has_error: bool,
    pub(crate) error: String,
    pub(crate) steps: Vec<String>,
    pub(crate) foot: String,
}
