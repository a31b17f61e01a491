//! Statistics, with what they are of, and the report on paper.

use super::shared::{Filter, Number, PersonLine};

/// Horizontal bars; two values in each where `two` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bars {
    pub(crate) id: String,
    pub(crate) title: String,
    /// What it shows, as a sentence.
    pub(crate) summary: String,
    pub(crate) two: bool,
    pub(crate) name1: String,
    pub(crate) name2: String,
    /// Head of the table's first column.
    pub(crate) row_head: String,
    pub(crate) bars: Vec<Bar>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) href: String,
    /// Widths in thousandths of the longest bar.
    pub(crate) w1: u64,
    pub(crate) w2: u64,
    /// Printed: "9+3".
    pub(crate) value: String,
    pub(crate) n1: String,
    pub(crate) n2: String,
}

/// Columns over time, in a box of 360 x 190; y grows downwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    /// Width of a column.
    pub(crate) w: i64,
    pub(crate) name1: String,
    pub(crate) row_head: String,
    pub(crate) grid: Vec<Grid>,
    pub(crate) bars: Vec<Column>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) y: i64,
    pub(crate) label: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) label: String,
    pub(crate) label_long: String,
    pub(crate) value: String,
    pub(crate) href: String,
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) h: i64,
    pub(crate) mid: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) is_link: bool,
    pub(crate) href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TableRow {
    pub(crate) label: String,
    pub(crate) is_sum: bool,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<TableRow>,
}

/// A field for a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) typed: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reports {
    pub(crate) lead: String,
    pub(crate) print_href: String,
    pub(crate) filters: Vec<Filter>,
    /// Days typed instead of a quarter or a year.
    pub(crate) days: Vec<Day>,
    pub(crate) has_error: bool,
    pub(crate) error: String,
    pub(crate) has_data: bool,
    pub(crate) none_text: String,
    pub(crate) period_title: String,
    pub(crate) numbers: Vec<Number>,
    pub(crate) as_of: String,
    pub(crate) has_missing: bool,
    pub(crate) missing: String,
    pub(crate) digest: Vec<String>,
    /// Whose work may not be in the numbers yet.
    pub(crate) missing_people: Vec<PersonLine>,
    pub(crate) columns: Vec<Columns>,
    pub(crate) bars: Vec<Bars>,
    pub(crate) sheets: Vec<Sheet>,
    /// The commands that make a PDF of it.
    pub(crate) commands: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReportPrint {
    pub(crate) title: String,
    pub(crate) sub: String,
    pub(crate) up_href: String,
    pub(crate) intro: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) basis: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) title: String,
    /// The cells hold words, not numbers.
    pub(crate) words: bool,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<PrintRow>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PrintRow {
    pub(crate) label: String,
    pub(crate) is_sum: bool,
    pub(crate) cells: Vec<PrintCell>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PrintCell {
    /// The column's head, for narrow screens.
    pub(crate) label: String,
    pub(crate) text: String,
}

/// What a station makes public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) title: String,
    pub(crate) sub: String,
    pub(crate) up_href: String,
    /// Time and village; not printed.
    pub(crate) filters: Vec<Filter>,
    /// Why the days that were typed are none.
    pub(crate) error: String,
    pub(crate) villages: Vec<NoticeVillage>,
    /// Up to when it goes, who is missing in it, what is left out.
    pub(crate) basis: Vec<String>,
    /// Who makes it public, and on which day.
    pub(crate) issued: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoticeVillage {
    pub(crate) title: String,
    pub(crate) parts: Vec<NoticePart>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoticePart {
    pub(crate) section: Section,
    /// What is counted and not named; may be empty.
    pub(crate) more: String,
}
