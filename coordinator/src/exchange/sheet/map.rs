//! Maps: each feature of a GeoJSON collection is a row, its properties are the cells.

use geojson::feature::Id;
use geojson::{Feature, FeatureCollection, GeoJson, GeometryValue, Position};
use serde_json::Value;

use super::{COLUMNS_MAX, ROWS_MAX, Row, Sheet};
use crate::exchange::names;
use crate::exit::Exit;
use crate::failure::Failure;

/// The column of a feature's id, where its properties have none.
const ID: &str = "id";
/// The id of an observation or a track, as older and newer versions call it.
const DOC: &str = "docId";
const NEWER_DOC: &str = "$id";

/// Reads a collection. One of ours may hold several kinds: each is a sheet of its own.
pub(super) fn read(text: &str, name: &str) -> Result<Vec<Sheet>, Failure> {
    let bad = || Failure::new(Exit::BadFile, "err.import.map");
    let map: GeoJson = text.parse().map_err(|_| bad())?;
    let map = FeatureCollection::try_from(map).map_err(|_| bad())?;
    if map.features.len() > ROWS_MAX {
        return Err(super::too_many());
    }
    let mut kinds: Vec<(String, Vec<(u64, Feature)>)> = Vec::new();
    for (number, feature) in (1..).zip(map.features) {
        let kind = feature.property(names::KIND).and_then(Value::as_str);
        let kind = kind.unwrap_or(name).to_owned();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, features)) => features.push((number, feature)),
            None => kinds.push((kind, vec![(number, feature)])),
        }
    }
    if kinds.is_empty() {
        return Err(Failure::new(Exit::BadFile, "err.import.no_table"));
    }
    let sheets = kinds
        .into_iter()
        .map(|(name, features)| sheet(&name, features));
    sheets.collect()
}

fn sheet(name: &str, features: Vec<(u64, Feature)>) -> Result<Sheet, Failure> {
    let mut table = Table::default();
    let mut rows = Vec::with_capacity(features.len());
    let mut shapes = 0;
    for (number, feature) in features {
        let mut cells = Vec::new();
        let shape = feature.geometry.as_ref().map(|geometry| &geometry.value);
        if let Some(place) = shape.and_then(middle) {
            let is_point = matches!(shape, Some(GeometryValue::Point { .. }));
            shapes += u64::from(!is_point);
            table.put(&mut cells, names::POINT, place)?;
        }
        let id = match feature.id {
            Some(Id::String(id)) => Some(id),
            Some(Id::Number(id)) => Some(id.to_string()),
            None => None,
        };
        let properties = feature.properties.unwrap_or_default();
        if let Some(id) = id.filter(|_| !properties.contains_key(ID)) {
            table.put(&mut cells, ID, id)?;
        }
        let has_doc = properties.contains_key(DOC);
        for (key, value) in properties {
            // Observations and tracks in one file name the same thing in two ways.
            let key = if key == NEWER_DOC && !has_doc {
                DOC
            } else {
                &key
            };
            table.put_value(&mut cells, key, value)?;
        }
        rows.push(Row {
            row: number,
            line: None,
            cells,
        });
    }
    let mut sheet = Sheet::new(name, table.columns, rows);
    sheet.shapes = shapes;
    Ok(sheet)
}

/// `latitude, longitude` of a point, of the middle of a way, or of the middle of what an area spans.
fn middle(shape: &GeometryValue) -> Option<String> {
    let (longitude, latitude) = match shape {
        GeometryValue::Point { coordinates } => corner(coordinates)?,
        GeometryValue::LineString { coordinates } => {
            corner(coordinates.get(coordinates.len() / 2)?)?
        }
        GeometryValue::MultiPoint { coordinates } => span(coordinates.iter())?,
        GeometryValue::MultiLineString { coordinates } | GeometryValue::Polygon { coordinates } => {
            span(coordinates.iter().flatten())?
        }
        GeometryValue::MultiPolygon { coordinates } => {
            span(coordinates.iter().flatten().flatten())?
        }
        GeometryValue::GeometryCollection { .. } => return None,
    };
    Some(format!("{latitude}, {longitude}"))
}

fn corner(position: &Position) -> Option<(f64, f64)> {
    match position.as_slice() {
        [longitude, latitude, ..] => Some((*longitude, *latitude)),
        _too_few => None,
    }
}

fn span<'p>(positions: impl Iterator<Item = &'p Position>) -> Option<(f64, f64)> {
    let mut corners = positions.filter_map(corner);
    let first = corners.next()?;
    let (low, high) = corners.fold((first, first), |(low, high), (x, y)| {
        let low: (f64, f64) = low;
        let high: (f64, f64) = high;
        ((low.0.min(x), low.1.min(y)), (high.0.max(x), high.1.max(y)))
    });
    let middle = |a: f64, b: f64| f64::midpoint(a, b);
    Some((middle(low.0, high.0), middle(low.1, high.1)))
}

#[derive(Default)]
struct Table {
    columns: Vec<String>,
    positions: std::collections::HashMap<String, usize>,
}

impl Table {
    fn put(&mut self, cells: &mut Vec<String>, key: &str, text: String) -> Result<(), Failure> {
        let key = key.trim();
        let known = self.positions.get(key).copied();
        let position = known.unwrap_or(self.columns.len());
        if known.is_none() {
            if position == COLUMNS_MAX {
                return Err(super::too_many_columns());
            }
            self.columns.push(key.to_owned());
            self.positions.insert(key.to_owned(), position);
        }
        if cells.len() <= position {
            cells.resize(position + 1, String::new());
        }
        if let Some(cell) = cells.get_mut(position) {
            *cell = text;
        }
        Ok(())
    }

    /// Objects become columns `outer/inner`. The JSON reader allows no more than 128 of them in each other.
    fn put_value(
        &mut self,
        cells: &mut Vec<String>,
        key: &str,
        value: Value,
    ) -> Result<(), Failure> {
        match value {
            Value::Null => Ok(()),
            Value::String(text) => self.put(cells, key, text),
            Value::Bool(flag) => self.put(cells, key, flag.to_string()),
            Value::Number(number) => self.put(cells, key, number.to_string()),
            Value::Array(parts) => {
                let is_list = parts.iter().any(Value::is_object);
                let words: Vec<String> = parts.iter().filter_map(part).collect();
                self.put(cells, key, words.join(if is_list { "\n" } else { ", " }))
            }
            Value::Object(inner) => {
                let mut inner = inner.into_iter();
                inner.try_for_each(|(name, value)| {
                    self.put_value(cells, &format!("{key}/{name}"), value)
                })
            }
        }
    }
}

/// A member of an array; an item of one of our lists as the line that it is typed as.
fn part(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(item) => {
            let text = item.get("text").or_else(|| item.get("name"))?.as_str()?;
            let is_done = item.get("done").and_then(Value::as_bool) == Some(true);
            Some(format!("[{}] {text}", if is_done { 'x' } else { ' ' }))
        }
        Value::Array(_) | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, parse};
    use super::*;

    #[test]
    fn features_become_rows_with_latitude_first() {
        let map = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","id":"f1","geometry":{"type":"Point","coordinates":[113.121,23.021]},
             "properties":{"docId":"ab12","tags":{"type":"well","notes":"泉"},"n":[1,"b"],"deleted":false}},
            {"type":"Feature","geometry":null,"properties":{"docId":"cd34","extra":2}}]}"#;
        let sheet = parse(map.as_bytes(), "m.geojson").unwrap().remove(0);
        assert_eq!(sheet.source, Source::Comapeo);
        let cell = |row: usize, name: &str| {
            sheet.rows[row]
                .cell(sheet.column(&[name]).unwrap())
                .to_owned()
        };
        assert_eq!(cell(0, names::POINT), "23.021, 113.121");
        assert_eq!(cell(0, "tags/notes"), "泉");
        assert_eq!(cell(0, "n"), "1, b");
        assert_eq!(
            (cell(1, "docId"), cell(1, "extra")),
            ("cd34".into(), "2".into())
        );
        assert_eq!(cell(1, names::POINT), "");
    }

    #[test]
    fn lines_and_areas_are_at_their_middle_and_newer_names_are_known() {
        let map = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","properties":{"docId":"t1","tags":{"name":"水渠"},"locations":[{"a":1}]},
             "geometry":{"type":"LineString","coordinates":[[113,23,5],[114,24],[115,25]]}},
            {"type":"Feature","properties":{"docId":"p1","name":"鱼塘"},
             "geometry":{"type":"Polygon","coordinates":[[[113,23],[113.5,23],[113.5,24],[113,23]]]}},
            {"type":"Feature","properties":{"$id":"o1","$createdAt":"2026-03-04T01:00:00.000Z","name":"古井","attachment_1":null},
             "$comapeo":{"docId":"o1"},"geometry":{"type":"Point","coordinates":[113,23]}},
            {"type":"Feature","properties":{"$id":"e1"},"geometry":{"type":"Polygon","coordinates":[]}}]}"#;
        let sheet = parse(map.as_bytes(), "m.geojson").unwrap().remove(0);
        assert_eq!((sheet.source, sheet.shapes), (Source::Comapeo, 2));
        let column = |name: &str| {
            let at = sheet.column(&[name]).unwrap();
            sheet
                .rows
                .iter()
                .map(|row| row.cell(at))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            column(names::POINT),
            ["24, 114", "23.5, 113.25", "23, 113", ""]
        );
        assert_eq!(column("docId"), ["t1", "p1", "o1", "e1"]);
    }

    #[test]
    fn json_that_is_no_map_is_refused() {
        for text in [
            "{}",
            "{\"type\":\"FeatureCollection\"}",
            "{\"a\":[",
            "{\"type\":\"FeatureCollection\",\"features\":[]}",
        ] {
            assert_eq!(
                parse(text.as_bytes(), "x").unwrap_err().exit(),
                Exit::BadFile,
                "{text}"
            );
        }
    }
}
