//! The columns of a file, for somebody who says what they are.

use std::collections::BTreeMap;

use sync_core::schema::Field;

use super::Survey;
use crate::exchange::mapping::values_of;
use crate::exchange::sheet::{is_of_the_source, shown};
use crate::failure::Failure;

/// So many values of a column are shown, and so many letters of each.
const SAMPLES_MAX: usize = 3;
const SAMPLE_CHARS_MAX: usize = 40;
/// So many rows are looked through for them.
const SAMPLED_ROWS_MAX: usize = 1_000;

/// A column as somebody is shown it, who says what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// As the file calls it.
    pub(crate) name: String,
    /// Some different values, cut if they are long. They may be about residents.
    pub(crate) samples: Vec<String>,
    /// The field, by name.
    pub(crate) field: Option<String>,
    /// The field is only likely.
    pub(crate) is_guess: bool,
    /// No field takes it, and none is missed: the other program's own.
    pub(crate) is_of_the_source: bool,
    /// Words that none of the field's choices is called by.
    pub(crate) words: Vec<Word>,
}

/// A word in a column whose field has choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) word: String,
    /// The choice that it means, by name; while this is empty, its rows do not fit.
    pub(crate) meant: String,
}

impl Survey {
    /// The columns, in the order of the mapping.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let columns = (0..)
            .zip(&self.mapping.columns)
            .map(|(place, column)| Column {
                name: column.column.clone(),
                samples: self.samples(&column.column),
                field: column.field.clone(),
                is_guess: column.guess,
                is_of_the_source: is_of_the_source(self.sheet.source, &column.column),
                words: self.words(place, &column.values),
            });
        columns.collect()
    }

    /// Words that somebody must say the meaning of, and those that somebody has.
    fn words(&self, place: usize, values: &BTreeMap<String, String>) -> Vec<Word> {
        let words = values.iter().filter(|(word, meant)| {
            meant.is_empty() || self.asked.contains(&(place, (*word).clone()))
        });
        words
            .map(|(word, meant)| Word {
                word: word.clone(),
                meant: meant.clone(),
            })
            .collect()
    }

    fn samples(&self, column: &str) -> Vec<String> {
        let Some(position) = self.position(column) else {
            return Vec::new();
        };
        let mut samples: Vec<String> = Vec::new();
        for row in self.sheet.rows.iter().take(SAMPLED_ROWS_MAX) {
            let sample: String = shown(row.cell(position))
                .chars()
                .take(SAMPLE_CHARS_MAX)
                .collect();
            if !sample.is_empty() && !samples.contains(&sample) {
                samples.push(sample);
            }
            if samples.len() == SAMPLES_MAX {
                break;
            }
        }
        samples
    }

    fn position(&self, column: &str) -> Option<usize> {
        let mut columns = self.sheet.columns.iter();
        columns.position(|known| known == column)
    }

    /// Says what a column is, by its place among [`Survey::columns`]; nothing leaves it out. The field
    /// moves here from another column that had it.
    pub(crate) fn assign(&mut self, column: usize, field: Option<&str>) -> Result<(), Failure> {
        let known = |name: &str| {
            let field = self.kind.field(name);
            field.ok_or_else(|| Failure::from(self.kind.unknown_field(name)))
        };
        let field = field.map(known).transpose()?.cloned();
        let name = field.as_ref().map(Field::name);
        let named = self.mapping.columns.get(column);
        let position = named.and_then(|named| self.position(&named.column));
        let values = position.zip(field.as_ref());
        let values = values.map(|(position, field)| values_of(&self.sheet, position, field));
        for (other, mapped) in self.mapping.columns.iter_mut().enumerate() {
            if other == column {
                // What somebody has said of its values stays, if it is still the same field.
                if mapped.field.as_deref() != name {
                    mapped.values = values.clone().unwrap_or_default();
                }
                mapped.field = name.map(str::to_owned);
                mapped.guess = false;
            } else if name.is_some() && mapped.field.as_deref() == name {
                mapped.field = None;
                mapped.values.clear();
            }
        }
        self.is_settled = true;
        Ok(())
    }

    /// Says which of its field's choices a word in a column means; an empty one leaves its rows out.
    /// Whether the column has that word and its field that choice; else nothing is taken.
    pub(crate) fn mean(&mut self, column: usize, word: &str, choice: &str) -> bool {
        let Some(mapped) = self.mapping.columns.get_mut(column) else {
            return false;
        };
        let field = mapped.field.as_deref().and_then(|it| self.kind.field(it));
        let mut choices = field.map_or(&[][..], |it| it.ty().choices()).iter();
        let is_choice = choice.is_empty() || choices.any(|known| known.value() == choice);
        let Some(meant) = mapped.values.get_mut(word).filter(|_| is_choice) else {
            return false;
        };
        choice.clone_into(meant);
        self.asked.insert((column, word.to_owned()));
        true
    }
}
