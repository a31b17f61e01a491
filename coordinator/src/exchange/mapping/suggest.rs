//! A mapping that nobody has looked through: what each column most probably is.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::schema::{Choice, Field, FieldType, Kind, Lang};

use super::score::{ALIKE_MIN, SURE, alike, score, simple};
use super::{ColumnMapping, Mapping, VERSION};
use crate::exchange::names;
use crate::exchange::sheet::{
    Sheet, Source, id_columns, is_of_the_source, plain, time_columns, words_of,
};

/// How many different values of a column are looked at.
const VALUES_MAX: usize = 200;

/// A mapping, and what is to be said about it.
#[derive(Debug)]
pub(crate) struct Suggested {
    pub(crate) mapping: Mapping,
    /// Columns that no field takes and that are not the source's own.
    pub(crate) unknown: Vec<String>,
    /// A field that two columns certainly are.
    pub(crate) twice: Option<String>,
}

/// Suggests a mapping of all columns.
pub(crate) fn suggest(sheet: &Sheet, kind: &Kind) -> Suggested {
    let (placed, twice) = placed(sheet, scores(sheet, kind));
    let mut columns = Vec::with_capacity(sheet.columns.len());
    let mut unknown = Vec::new();
    for (position, column) in sheet.columns.iter().enumerate() {
        let found = placed.get(&position);
        let field = found.and_then(|(field, _)| kind.field(field));
        let question = column.rsplit_once('/').map(|(question, _)| question);
        let is_tick = question
            .is_some_and(|question| sheet.answers.iter().any(|answers| answers == question));
        let is_source = is_tick || is_of_the_source(sheet.source, column);
        if field.is_none() && !is_source && !sheet.answers.contains(column) {
            unknown.push(column.clone());
        }
        columns.push(ColumnMapping {
            column: column.clone(),
            field: field.map(|field| field.name().to_owned()),
            values: field.map_or_else(BTreeMap::new, |field| values_of(sheet, position, field)),
            guess: found.is_some_and(|(_, score)| *score < SURE),
        });
    }
    let find = |names: &[&str]| Some(sheet.columns.get(sheet.column(names)?)?.clone());
    let own_space = find(&[names::SPACE]).filter(|_| sheet.source == Source::Own);
    let is_record = |column: &&String| plain(column).starts_with(names::RECORD);
    let own_id = sheet.columns.iter().find(is_record).cloned();
    let mapping = Mapping {
        version: VERSION,
        kind: kind.name().to_owned(),
        source: sheet.source.name().to_owned(),
        row_id: own_id.or_else(|| find(id_columns(sheet.source))),
        space: None,
        space_column: own_space,
        columns,
        constants: BTreeMap::new(),
    };
    Suggested {
        mapping,
        unknown,
        twice,
    }
}

/// How likely a column is a field, in percent; the column's position, and the field's name.
type Score<'k> = (u32, usize, &'k str);

/// The field and the score of each column that has one, and a field that two columns certainly are.
fn placed<'k>(
    sheet: &Sheet,
    mut scored: Vec<Score<'k>>,
) -> (BTreeMap<usize, (&'k str, u32)>, Option<String>) {
    // The most certain first; among equals the column that stands first.
    scored.sort_by_key(|(score, column, field)| (std::cmp::Reverse(*score), *column, *field));
    let mut twice = None;
    let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
    let mut placed = BTreeMap::new();
    for (score, column, field) in scored {
        if placed.contains_key(&column) {
            continue;
        }
        if let Some(before) = taken.get(field) {
            // Two columns by the very name or label: nobody can tell which is meant.
            if score > SURE && *before > SURE && !sheet.source.is_survey() {
                twice.get_or_insert_with(|| field.to_owned());
            }
            continue;
        }
        taken.insert(field, score);
        placed.insert(column, (field, score));
    }
    (placed, twice)
}

/// Every column beside every field that it may be.
fn scores<'k>(sheet: &Sheet, kind: &'k Kind) -> Vec<Score<'k>> {
    let mut scored = Vec::new();
    for (position, column) in sheet.columns.iter().enumerate() {
        for field in kind.fields() {
            // Ticks are answers to several choices and nothing else.
            if sheet.answers.contains(column) && !field.ty().is_set() {
                continue;
            }
            if let Some(score) = score(sheet.source, column, field) {
                scored.push((score, position, field.name()));
            }
        }
    }
    // When nothing says the day, the day of filling in the form does.
    for field in kind.fields().iter().filter(|field| field.required()) {
        let takes_time = matches!(field.ty(), FieldType::Date | FieldType::Time);
        let is_there = scored.iter().any(|(_, _, name)| *name == field.name());
        if takes_time
            && !is_there
            && let Some(column) = sheet.column(time_columns(sheet.source))
        {
            scored.push((SURE, column, field.name()));
        }
    }
    scored
}

/// What stands in the column of a choice and is not one of its names or labels, with what it probably
/// means; what it does not resemble is named with nothing, to be filled in.
pub(crate) fn values_of(sheet: &Sheet, column: usize, field: &Field) -> BTreeMap<String, String> {
    let choices = field.ty().choices();
    let mut values = BTreeMap::new();
    if choices.is_empty() || sheet.source == Source::Own {
        return values;
    }
    let mut seen = BTreeSet::new();
    let is_survey = sheet.source.is_survey();
    for row in &sheet.rows {
        let cell = row.cell(column);
        let words = if matches!(field.ty(), FieldType::Choices(_)) {
            words_of(cell, is_survey)
        } else {
            vec![cell]
        };
        for word in words {
            if word.is_empty() || seen.len() == VALUES_MAX || !seen.insert(word.to_owned()) {
                continue;
            }
            let is_known = choices.iter().any(|choice| choice.value() == word)
                || crate::values::named_choice(choices, word).is_some();
            if !is_known {
                values.insert(word.to_owned(), likely_choice(choices, word));
            }
        }
    }
    values
}

fn likely_choice(choices: &[Choice], word: &str) -> String {
    let word = simple(word);
    let alikeness = |choice: &Choice| {
        let labels = [Lang::Zh, Lang::En].map(|lang| simple(choice.label(lang)));
        let names = labels.into_iter().chain([simple(choice.value())]);
        names
            .map(|name| {
                if name == word {
                    1.0
                } else {
                    alike(&name, &word)
                }
            })
            .fold(0.0, f64::max)
    };
    let likely = choices
        .iter()
        .map(|choice| (alikeness(choice), choice))
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    likely.map_or_else(String::new, |(_, choice)| choice.value().to_owned())
}

#[cfg(test)]
mod tests {
    use sync_core::schema::Schema;

    use super::*;
    use crate::exchange::sheet::parse;

    fn of(kind: &str, text: &str) -> Suggested {
        let sheet = parse(text.as_bytes(), "t.csv").unwrap().remove(0);
        suggest(&sheet, Schema::station().kind(kind).unwrap())
    }

    fn fields(suggested: &Suggested) -> Vec<Option<&str>> {
        let columns = suggested.mapping.columns.iter();
        columns.map(|column| column.field.as_deref()).collect()
    }

    #[test]
    fn names_labels_and_usual_names_are_certain() {
        for head in [
            "household,date,purpose",
            "住户,走访日期,走访目的",
            "户主,日期,目的",
            "HOUSEHOLD , Visit_Date,Purpose",
        ] {
            let suggested = of("visit", &format!("{head}\nA,2026-03-04,health\n"));
            assert_eq!(
                fields(&suggested),
                [Some("household"), Some("date"), Some("purpose")],
                "{head}"
            );
            assert!(
                suggested.mapping.columns.iter().all(|column| !column.guess),
                "{head}"
            );
            assert!(suggested.unknown.is_empty() && suggested.twice.is_none());
        }
    }

    #[test]
    fn likely_names_are_guesses() {
        let suggested = of("visit", "Houshold,走访的日期,红\nA,2026-03-04,x\n");
        assert_eq!(fields(&suggested), [Some("household"), None, None]);
        assert!(suggested.mapping.columns[0].guess);
        assert_eq!(suggested.unknown, ["走访的日期", "红"]);
    }

    #[test]
    fn one_field_in_two_columns_is_said() {
        assert_eq!(
            of("visit", "household,住户\nA,B\n").twice.as_deref(),
            Some("household")
        );
        assert_eq!(of("visit", "household,户主\nA,B\n").twice, None);
    }

    #[test]
    fn groups_and_the_day_of_the_form_are_understood() {
        let odk = of(
            "visit",
            "SubmissionDate,visit-household,visit-purpose,KEY,SubmitterName\n2026-03-04T09:00:00Z,A,health,uuid:1,x\n",
        );
        assert_eq!(
            fields(&odk),
            [Some("date"), Some("household"), Some("purpose"), None, None]
        );
        assert_eq!(odk.mapping.row_id.as_deref(), Some("KEY"));
        assert_eq!(odk.mapping.source, "odk");
        assert!(odk.unknown.is_empty());
        let kobo = of(
            "visit",
            "start,g/household,g/date,g/purpose,_id,_uuid,_submission_time,strange\n,A,2026-03-04,health,1,u,2026-03-05T01:00:00,1\n",
        );
        assert_eq!(
            fields(&kobo)[..4],
            [None, Some("household"), Some("date"), Some("purpose")]
        );
        assert_eq!(kobo.unknown, ["strange"]);
    }

    #[test]
    fn values_of_choices_are_suggested() {
        let suggested = of(
            "visit",
            "household,date,purpose\nA,2026-03-04,Health\nB,2026-03-04,Helth\nC,2026-03-04,7\n",
        );
        let values = &suggested.mapping.columns[2].values;
        assert_eq!(values.get("Helth").map(String::as_str), Some("health"));
        assert_eq!(values.get("7").map(String::as_str), Some(""));
        assert_eq!(values.len(), 2);
    }
}
