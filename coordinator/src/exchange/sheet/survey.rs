//! Tables of survey programs: whose they are, and what they spread over several columns.

use super::{Sheet, Source, WORD_END, plain, repeats};
use crate::exchange::names;

/// Whose a table is, by columns that nobody else has.
pub(super) fn source_of(columns: &[String]) -> Source {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let is_own = |column: &String| plain(column).starts_with(names::RECORD);
    if columns.iter().any(is_own) {
        Source::Own
    } else if has("KEY") && (has("SubmissionDate") || has("meta-instanceID") || has("PARENT_KEY")) {
        Source::Odk
    } else if has("_uuid") && (has("_submission_time") || has("_id")) || has("_submission__uuid") {
        Source::Kobo
    } else if ["docId", "$id", "$created", "$createdAt"]
        .into_iter()
        .any(has)
        || (has("created_at") && has("category"))
    {
        Source::Comapeo
    } else if has(names::POINT) {
        Source::Map
    } else {
        Source::Table
    }
}

/// Columns in which a source names its rows, the best first.
pub(crate) fn id_columns(source: Source) -> &'static [&'static str] {
    match source {
        Source::Odk => &["KEY", "meta-instanceID"],
        Source::Kobo => &[
            repeats::ROW,
            "meta/rootUuid",
            "_uuid",
            "_id",
            "_submission__uuid",
        ],
        Source::Comapeo => &["docId", "$id", "id"],
        Source::Map => &["id"],
        Source::Own | Source::Table => &[],
    }
}

/// Columns that say when a row was made, for fields that ask for a day, the best first.
pub(crate) fn time_columns(source: Source) -> &'static [&'static str] {
    match source {
        Source::Odk => &["today", "start", "SubmissionDate"],
        Source::Kobo => &["today", "start", "_submission_time"],
        Source::Comapeo => &["$created", "$createdAt", "created_at", "createdAt"],
        Source::Own | Source::Map | Source::Table => &[],
    }
}

/// Columns that a source adds of itself: not missed when no field takes them.
pub(crate) fn is_of_the_source(source: Source, column: &str) -> bool {
    let is_id_or_time =
        id_columns(source).contains(&column) || time_columns(source).contains(&column);
    let own = match source {
        Source::Own => {
            let name = plain(column);
            name.starts_with('$') || name.ends_with(names::SHOWN) || name == "id"
        }
        Source::Odk => {
            let known = [
                "PARENT_KEY",
                "SubmitterID",
                "SubmitterName",
                "AttachmentsPresent",
                "AttachmentsExpected",
                "Status",
                "ReviewState",
                "DeviceID",
                "Edits",
                "FormVersion",
                "end",
                "deviceid",
                "username",
                "instanceID",
                "instanceName",
            ];
            column.starts_with("meta-") || column.starts_with("SET-OF-") || known.contains(&column)
        }
        Source::Kobo => {
            let known = ["end", "deviceid", "username", "formhub/uuid"];
            column.starts_with('_') || column.starts_with("meta/") || known.contains(&column)
        }
        Source::Comapeo => {
            let known = [
                "versionId",
                "originalVersionId",
                "schemaName",
                "updatedAt",
                "modified_at",
                "links",
                "deleted",
                "createdBy",
                "deviceId",
                "attachments",
                "photos",
                "categoryId",
                "id",
                "locations",
                "observationRefs",
                "lat",
                "lon",
                names::POINT,
            ];
            let parts = [
                "$",
                "metadata/",
                "presetRef/",
                "preset/",
                "attachments/",
                "attachment_",
            ];
            parts.iter().any(|part| column.starts_with(part)) || known.contains(&column)
        }
        Source::Map => column == names::POINT,
        Source::Table => false,
    };
    is_id_or_time || own
}

/// Puts together what one question has in several columns.
pub(super) fn fold(sheet: &mut Sheet) {
    if sheet.source.is_survey() {
        fold_choices(sheet);
    }
    fold_places(sheet);
}

/// `q/a`, `q/b` with 0 and 1: the answers are put into `q`, which is made if it is not there. What the
/// program wrote into `q` itself has spaces between the answers, and labels have spaces in them.
fn fold_choices(sheet: &mut Sheet) {
    let mut questions: Vec<(String, Vec<(usize, String)>)> = Vec::new();
    for (position, name) in (0..).zip(&sheet.columns) {
        let Some((question, option)) = name.rsplit_once('/') else {
            continue;
        };
        let option = (position, option.to_owned());
        match questions.iter_mut().find(|(known, _)| known == question) {
            Some((_, options)) => options.push(option),
            None => questions.push((question.to_owned(), vec![option])),
        }
    }
    let mut gone = Vec::new();
    for (question, options) in questions {
        let base = sheet.columns.iter().position(|name| *name == question);
        let ticks = options.iter().filter(|(at, _)| is_ticks(sheet, *at));
        let ticks: Vec<(usize, String)> = ticks.cloned().collect();
        if base.is_some() && !ticks.is_empty() {
            put_answers(sheet, base, &ticks);
            gone.extend(ticks.into_iter().map(|(position, _)| position));
        } else if ticks.len() == options.len() && ticks.len() > 1 {
            // It may as well be a group of questions with numbers: those stay beside it.
            put_answers(sheet, None, &ticks);
            sheet.columns.push(question.clone());
            sheet.answers.push(question);
        }
    }
    drop_columns(sheet, &gone);
}

/// Writes the options that are ticked into a column, or into a new one at the end.
fn put_answers(sheet: &mut Sheet, base: Option<usize>, ticks: &[(usize, String)]) {
    let width = sheet.columns.len();
    for row in &mut sheet.rows {
        let ticked = ticks
            .iter()
            .filter(|(at, _)| is_tick(row.cell(*at)) == Some(true));
        let words: String = ticked.fold(String::new(), |words, (_, option)| {
            words + option + WORD_END
        });
        let is_full = row.has_more_than(width);
        match base.and_then(|base| row.cells.get_mut(base)) {
            Some(cell) if !words.is_empty() => *cell = words,
            Some(_) => {}
            // Cells that are too many are refused with their row, so they stay where they are.
            None if is_full => row.cells.push(words),
            None => {
                row.cells.resize(width, String::new());
                row.cells.push(words);
            }
        }
    }
}

fn is_tick(cell: &str) -> Option<bool> {
    match cell {
        "1" | "True" | "TRUE" | "true" => Some(true),
        "" | "0" | "False" | "FALSE" | "false" => Some(false),
        _other => None,
    }
}

fn is_ticks(sheet: &Sheet, column: usize) -> bool {
    let mut rows = sheet.rows.iter();
    let is_answered = rows.clone().any(|row| !row.cell(column).is_empty());
    is_answered && rows.all(|row| is_tick(row.cell(column)).is_some())
}

/// Endings of the two columns of a place, and of the columns beside them that no field takes.
const PLACES: [(&str, &str, [&str; 2]); 4] = [
    ("-Latitude", "-Longitude", ["-Altitude", "-Accuracy"]),
    ("_latitude", "_longitude", ["_altitude", "_precision"]),
    ("/latitude", "/longitude", ["/altitude", "/accuracy"]),
    ("latitude", "longitude", ["altitude", "accuracy"]),
];

/// `x-Latitude` and `x-Longitude` become `x`, or fill it where it is empty.
fn fold_places(sheet: &mut Sheet) {
    let mut gone = Vec::new();
    for latitude in 0..sheet.columns.len() {
        if gone.contains(&latitude) {
            continue;
        }
        let Some(name) = sheet.columns.get(latitude).cloned() else {
            continue;
        };
        let found = PLACES.iter().find_map(|(north, east, beside)| {
            let stem = name.strip_suffix(north)?;
            Some((stem, position(sheet, stem, east)?, beside))
        });
        let Some((stem, longitude, beside)) = found else {
            continue;
        };
        gone.push(longitude);
        gone.extend(
            beside
                .iter()
                .filter_map(|ending| position(sheet, stem, ending)),
        );
        let stem = stem.trim_start_matches('_');
        let stem = if stem.is_empty() { names::POINT } else { stem };
        let whole = sheet.columns.iter().position(|column| column == stem);
        for row in &mut sheet.rows {
            let (north, east) = (row.cell(latitude), row.cell(longitude));
            let place = if north.is_empty() || east.is_empty() {
                String::new()
            } else {
                format!("{north}, {east}")
            };
            let target = whole.filter(|whole| row.cell(*whole).is_empty());
            if let Some(cell) = row.cells.get_mut(target.unwrap_or(latitude)) {
                *cell = place;
            }
        }
        if whole.is_some() {
            gone.push(latitude);
        } else if let Some(name) = sheet.columns.get_mut(latitude) {
            stem.clone_into(name);
        }
    }
    drop_columns(sheet, &gone);
}

fn position(sheet: &Sheet, stem: &str, ending: &str) -> Option<usize> {
    let name = format!("{stem}{ending}");
    sheet.columns.iter().position(|column| *column == name)
}

fn drop_columns(sheet: &mut Sheet, gone: &[usize]) {
    if gone.is_empty() {
        return;
    }
    let columns = 0..sheet.columns.len();
    let stays: Vec<bool> = columns.map(|column| !gone.contains(&column)).collect();
    let keep = |cells: &mut Vec<String>| {
        let mut stays = stays.iter();
        // Cells beyond the columns stay.
        cells.retain(|_| stays.next().is_none_or(|stays| *stays));
    };
    keep(&mut sheet.columns);
    for row in &mut sheet.rows {
        keep(&mut row.cells);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, words_of};
    use super::*;

    fn sheet(text: &str) -> Sheet {
        parse(text.as_bytes(), "t.csv").unwrap().remove(0)
    }

    #[test]
    fn answers_to_several_choices_are_put_into_one_column() {
        let sheet = sheet(
            "_uuid,_id,care,care/alone,care/chronic,group/flag\n\
                           u1,1,alone chronic,1,1,1\nu2,2,,0,1,0\n",
        );
        assert_eq!(sheet.source, Source::Kobo);
        assert_eq!(sheet.columns, ["_uuid", "_id", "care", "group/flag"]);
        assert_eq!(words_of(sheet.rows[0].cell(2), true), ["alone", "chronic"]);
        assert_eq!(words_of(sheet.rows[1].cell(2), true), ["chronic"]);
    }

    #[test]
    fn answers_that_stand_only_in_columns_of_their_own_are_put_together_too() {
        let sheet = sheet(
            "_uuid,_id,home/照护/Lives alone,home/照护/慢性病,home/size\n\
                           u1,1,1,0,3\nu2,2,1,1,4\nu3,3,,,1\n",
        );
        assert_eq!(sheet.answers, ["home/照护"]);
        let at = sheet.column(&["home/照护"]).unwrap();
        let words = |row: usize| words_of(sheet.rows[row].cell(at), true);
        assert_eq!(words(0), ["Lives alone"]);
        assert_eq!(words(1), ["Lives alone", "慢性病"]);
        assert!(words(2).is_empty());
    }

    #[test]
    fn latitude_and_longitude_are_put_into_one_column() {
        let odk = sheet(
            "KEY,SubmissionDate,gps-Latitude,gps-Longitude,gps-Altitude,gps-Accuracy\n\
                         u,2026,23.02,113.12,1,5\nv,2026,,,,\n",
        );
        assert_eq!(odk.columns, ["KEY", "SubmissionDate", "gps"]);
        assert_eq!(
            (odk.rows[0].cell(2), odk.rows[1].cell(2)),
            ("23.02, 113.12", "")
        );
        let kobo = sheet(
            "_uuid,_id,gps,_gps_latitude,_gps_longitude,_gps_altitude,_gps_precision\n\
                          u,1,23.02 113.12 0 0,23.02,113.12,0,0\n",
        );
        assert_eq!(kobo.columns, ["_uuid", "_id", "gps"]);
        assert_eq!(kobo.rows[0].cell(2), "23.02 113.12 0 0");
        let plain = sheet("name,latitude,longitude\na,23.02,113.12\n");
        assert_eq!(plain.columns, ["name", names::POINT]);
    }
}
