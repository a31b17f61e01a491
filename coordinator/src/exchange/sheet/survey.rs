//! Tables of survey programs: whose they are, and what they spread over several columns.

use super::{Sheet, Source, plain};
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
    } else if has("docId") || has("$created") || (has("created_at") && has("category")) {
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
        Source::Kobo => &["meta/rootUuid", "_uuid", "_id", "_submission__uuid"],
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
        Source::Comapeo => &["$created", "created_at", "createdAt"],
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
                "lat",
                "lon",
                names::POINT,
            ];
            let parts = ["$", "metadata/", "presetRef/", "preset/", "attachments/"];
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

/// `q/a`, `q/b` with 0 and 1 beside `q`: the answers stand in `q` itself, or are put there.
fn fold_choices(sheet: &mut Sheet) {
    let mut gone = Vec::new();
    for base in 0..sheet.columns.len() {
        let Some(prefix) = sheet.columns.get(base).map(|name| format!("{name}/")) else {
            continue;
        };
        let parts: Vec<(usize, String)> = (0..)
            .zip(&sheet.columns)
            .filter_map(|(position, name)| Some((position, name.strip_prefix(&prefix)?.to_owned())))
            .filter(|(position, _)| is_ticks(sheet, *position))
            .collect();
        if parts.is_empty() {
            continue;
        }
        for row in &mut sheet.rows {
            if row.cell(base).is_empty() {
                let ticked = parts
                    .iter()
                    .filter(|(at, _)| is_tick(row.cell(*at)) == Some(true));
                let words: Vec<&str> = ticked.map(|(_, option)| option.as_str()).collect();
                let words = words.join(" ");
                if let Some(cell) = row.cells.get_mut(base) {
                    *cell = words;
                }
            }
        }
        gone.extend(parts.into_iter().map(|(position, _)| position));
    }
    drop_columns(sheet, &gone);
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
    rows.all(|row| is_tick(row.cell(column)).is_some())
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
    let kept = |cells: &mut Vec<String>| {
        let mut position = 0;
        cells.retain(|_| {
            position += 1;
            !gone.contains(&(position - 1))
        });
    };
    kept(&mut sheet.columns);
    for row in &mut sheet.rows {
        kept(&mut row.cells);
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
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
        assert_eq!(sheet.rows[0].cell(2), "alone chronic");
        assert_eq!(sheet.rows[1].cell(2), "chronic");
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
