//! The records of one kind as a table.

use jiff::Timestamp;
use sync_core::id::Millis;
use sync_core::schema::{Field, FieldType, Kind};
use sync_core::store::ViewRow;

use super::Rows;
use super::fields::{has_personal_title, shown_fields};
use super::value::{Cell, Names, cell, has_words};
use crate::exchange::names;
use crate::mask;

/// A table: headings that say what the columns are, and rows of as many cells.
#[derive(Debug)]
pub(super) struct Table<'k> {
    pub(super) kind: &'k Kind,
    pub(super) headings: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// What a column shows.
enum Column<'k> {
    Record,
    MaskedTitle,
    Field(&'k Field),
    Words(&'k Field),
    Space,
    CreatedAt,
    CreatedBy,
    UpdatedAt,
    UpdatedBy,
}

/// The table of one kind.
pub(super) fn table_of<'k>(rows: &Rows<'k>, names: Names<'_>) -> Table<'k> {
    let columns = columns(rows.kind, names.personal);
    let headings = columns
        .iter()
        .map(|column| column.heading(rows.kind, names))
        .collect();
    let rows_of = |row: &ViewRow| {
        // Rows of the view are always one object; another would be shown without fields.
        let fields = row.values();
        columns
            .iter()
            .map(|column| column.cell(row, &fields, names))
            .collect()
    };
    Table {
        kind: rows.kind,
        headings,
        rows: rows.rows.iter().map(rows_of).collect(),
    }
}

fn columns(kind: &Kind, personal: bool) -> Vec<Column<'_>> {
    let mut columns = vec![Column::Record];
    if !personal && has_personal_title(kind) {
        columns.push(Column::MaskedTitle);
    }
    for field in shown_fields(kind, personal) {
        if has_words(field) {
            columns.push(Column::Words(field));
        }
        // What this version cannot write is only to be read.
        let is_read_only = matches!(field.ty(), FieldType::Other(_));
        columns.push(if is_read_only {
            Column::Words(field)
        } else {
            Column::Field(field)
        });
    }
    columns.extend([
        Column::Space,
        Column::CreatedAt,
        Column::CreatedBy,
        Column::UpdatedAt,
        Column::UpdatedBy,
    ]);
    columns
}

impl Column<'_> {
    fn heading(&self, kind: &Kind, names: Names<'_>) -> String {
        let text = names.text;
        let fixed = |key: &str, name: &str| names::heading(&text.say(key), name);
        match self {
            Self::Record => fixed("head.record", &format!("{}:{}", names::RECORD, kind.name())),
            Self::MaskedTitle => fixed("head.title", names::TITLE),
            Self::Field(field) if has_words(field) => {
                let label = format!("{} {}", field.label(text.lang()), text.say("head.id"));
                names::heading(&label, field.name())
            }
            Self::Field(field) => names::heading(field.label(text.lang()), field.name()),
            Self::Words(field) => {
                let name = format!("{}{}", field.name(), names::SHOWN);
                names::heading(field.label(text.lang()), &name)
            }
            Self::Space => fixed("head.space", names::SPACE),
            Self::CreatedAt => fixed("head.created", names::CREATED_AT),
            Self::CreatedBy => fixed("out.export.created_by", names::CREATED_BY),
            Self::UpdatedAt => fixed("head.updated", names::UPDATED_AT),
            Self::UpdatedBy => fixed("out.export.updated_by", names::UPDATED_BY),
        }
    }

    fn cell(&self, row: &ViewRow, fields: &serde_json::Value, names: Names<'_>) -> Cell {
        match self {
            Self::Record => Cell::Text(row.record.to_string()),
            Self::MaskedTitle => Cell::of_text(mask::whole(&row.title)),
            Self::Field(field) => {
                let value = fields.get(field.name());
                value.map_or(Cell::Empty, |value| cell(field, value, names.text))
            }
            Self::Words(field) => {
                let value = fields.get(field.name());
                value.map_or(Cell::Empty, |value| {
                    if has_words(field) {
                        names.shown(field, value)
                    } else {
                        cell(field, value, names.text)
                    }
                })
            }
            Self::Space => Cell::of_text(names.space(&row.space)),
            Self::CreatedAt => Cell::of_text(utc(row.created_at)),
            Self::CreatedBy => Cell::of_text(names.device(&row.created_by)),
            Self::UpdatedAt => Cell::of_text(utc(row.updated_at)),
            Self::UpdatedBy => Cell::of_text(names.device(&row.updated_by)),
        }
    }
}

/// `2026-03-04T09:12:33.123Z`: the same text on every computer, and every millisecond of it, so that an
/// import sees whether the record has been changed since.
pub(crate) fn utc(at: Millis) -> String {
    Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| format!("{at:.3}"))
}
