//! Several communities side by side.

use super::shared::Number;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Communities {
    /// "3 个社区并排放在这台电脑上，互不相通。".
    pub(crate) lead: String,
    /// Of all that can tell.
    pub(crate) numbers: Vec<Number>,
    pub(crate) as_of: String,
    /// Some cannot tell; the numbers are without them.
    pub(crate) has_silent: bool,
    pub(crate) silent: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<CommunityRow>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommunityRow {
    pub(crate) name: String,
    /// "王芳 · 协调员".
    pub(crate) who: String,
    pub(crate) href: String,
    /// Else: why not.
    pub(crate) is_open: bool,
    pub(crate) cells: Vec<Cell>,
    pub(crate) as_of: String,
    pub(crate) why: String,
}

/// A number and the page that shows what it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) href: String,
}
