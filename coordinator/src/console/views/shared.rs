//! What several pages show.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shell {
    /// "zh-CN" or "en", for the page as a whole.
    pub(crate) lang: String,
    /// Language that the community's records are written in: "zh-CN", also when the page is English.
    pub(crate) content_lang: String,
    /// "auto", "light", "dark".
    pub(crate) theme: String,
    /// "normal", "large".
    pub(crate) text: String,
    /// Title of the community.
    pub(crate) community: String,
    /// Name of the person.
    pub(crate) me: String,
    /// First character of it, for the round face.
    pub(crate) me_initial: String,
    /// "协调员".
    pub(crate) my_role: String,
    /// Which place of the menu this page belongs to.
    pub(crate) section: String,
    /// Version of the static files, in their address.
    pub(crate) asset: String,
    /// The same for the whole session, or every live update would look like a change.
    pub(crate) csrf: String,
    /// Path to come back to after a POST.
    pub(crate) back: String,
    /// How much news there was when the page was begun.
    pub(crate) news: u64,
    /// Topics that this page listens to, with spaces between: "records sync".
    pub(crate) live: String,
    /// The pill at the top.
    pub(crate) sync_tone: String,
    pub(crate) sync_icon: String,
    /// "都已送到", "3 条还没送到", "没有网络，存在本机".
    pub(crate) sync_line: String,
    /// The same on phones, at most 4 characters or 2 short words: "都到了", "差 3 条", "离线".
    pub(crate) sync_short: String,
    /// Empty on pages without a frame.
    pub(crate) nav: Vec<NavItem>,
    /// The outcome of the last POST.
    pub(crate) has_flash: bool,
    pub(crate) flash_tone: String,
    pub(crate) flash_icon: String,
    pub(crate) flash: String,
    /// Several communities are served side by side; then all of them, to go from one to another.
    pub(crate) has_beside: bool,
    pub(crate) beside: Vec<Beside>,
}

/// A community beside others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) href: String,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NavItem {
    pub(crate) section: String,
    pub(crate) href: String,
    pub(crate) icon: String,
    pub(crate) label: String,
    /// "both", "wide" (rail only) or "phone" (bottom bar only; at most 5 of both and phone).
    pub(crate) show: String,
    pub(crate) current: bool,
    pub(crate) starts_group: bool,
    /// Title above it in the rail.
    pub(crate) group: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) on: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) options: Vec<Choice>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) tone: String,
    pub(crate) icon: String,
    pub(crate) text: String,
}

/// Whether somebody has agreed to what is written down about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConsentNote {
    pub(crate) tone: String,
    pub(crate) icon: String,
    /// "还没有王**的知情同意记录。".
    pub(crate) text: String,
    /// Their record; empty on its own page.
    pub(crate) href: String,
    /// The form that writes a consent down; empty if there is nothing to write, or they may not.
    pub(crate) record_href: String,
    /// Forms about them: address and words.
    pub(crate) forms: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Flag {
    pub(crate) tone: String,
    pub(crate) icon: String,
    pub(crate) word: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) value: String,
    pub(crate) unit: String,
    pub(crate) label: String,
    pub(crate) href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) done: bool,
    pub(crate) icon: String,
    pub(crate) label: String,
    pub(crate) detail: String,
    /// The record that it comes from; may be empty.
    pub(crate) href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PersonLine {
    /// The round face.
    pub(crate) initial: String,
    /// "何婉仪的手机上有你写的全部内容，到 今天 09:12。".
    pub(crate) line: String,
    pub(crate) tone: String,
    pub(crate) icon: String,
    /// "齐了", "还缺 3 条", "没有消息".
    pub(crate) word: String,
    /// "上次碰面 9月11日 20:58".
    pub(crate) detail: String,
    /// Opens the records that the line speaks of; may be empty.
    pub(crate) href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// From 1 (saved here) to 4 (with a coordinator).
    pub(crate) tick: u8,
    pub(crate) tick_word: String,
    pub(crate) href: String,
    /// Of its kind.
    pub(crate) icon: String,
    pub(crate) kind: String,
    /// Masked where personal.
    pub(crate) title: String,
    /// Village.
    pub(crate) place: String,
    /// Who changed it last.
    pub(crate) who: String,
    pub(crate) when: String,
    /// The same for programs.
    pub(crate) iso: String,
    pub(crate) state: String,
    pub(crate) state_tone: String,
    /// Unsent, conflict, held, late: what the state does not say already.
    pub(crate) flags: Vec<Flag>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) field: String,
    pub(crate) pieces: Vec<Piece>,
}

/// A stretch of a value beside what it was before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// "same", "gone", "new", or "to" between what was and what is.
    pub(crate) tone: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Input {
    /// Name in the POST; id is "in-" + name.
    pub(crate) name: String,
    pub(crate) label: String,
    /// Line text number date datetime flag choice choices select link links checklist point.
    pub(crate) input: String,
    // (minutes: number with a unit; member: select; members: choices)
    /// True for choice choices links checklist point: a fieldset with a legend.
    pub(crate) group: bool,
    /// What was typed: of line text number date datetime link.
    pub(crate) value: String,
    /// "必填", or empty.
    pub(crate) must: String,
    pub(crate) has_hint: bool,
    pub(crate) hint: String,
    pub(crate) has_error: bool,
    pub(crate) error: String,
    /// Shows the lock.
    pub(crate) personal: bool,
    /// After a number.
    pub(crate) unit: String,
    /// Of choice choices select; chosen ones of links.
    pub(crate) options: Vec<Choice>,
    /// Of choices and select: those behind a line of their own.
    pub(crate) others: Vec<Choice>,
    /// "别的村的人（49）".
    pub(crate) others_label: String,
    /// Of link, links and choices, for the datalist.
    pub(crate) suggestions: Vec<Choice>,
    /// Of links and choices: says that one more is added here; empty if none is.
    pub(crate) add_label: String,
    /// Of checklist: its lines and one or more empty ones.
    pub(crate) lines: Vec<CheckLine>,
    /// Of flag.
    pub(crate) on: bool,
    /// Of point.
    pub(crate) lat: String,
    pub(crate) lon: String,
    /// Ids for aria-describedby: "hi-NAME" if has_hint, "er-NAME" if has_error, space between; only if !group.
    pub(crate) described: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CheckLine {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) on: bool,
    pub(crate) tick_label: String,
    pub(crate) text_label: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FormError {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labelled {
    pub(crate) label: String,
    pub(crate) meta: String,
}
