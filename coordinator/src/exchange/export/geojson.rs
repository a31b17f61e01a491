//! Records with a place on the map as GeoJSON (RFC 7946): longitude first, WGS 84.

use geojson::feature::Id;
use geojson::{Feature, FeatureCollection, Geometry, GeometryValue, JsonObject, Position};
use serde_json::json;
use sync_core::schema::{Field, FieldType, Kind, Point};
use sync_core::store::ViewRow;

use super::fields::{has_personal_title, shown_fields};
use super::table::utc;
use super::value::Names;
use super::{About, Rows};
use crate::exchange::names;
use crate::failure::Failure;
use crate::mask;

/// The map: a feature for each record with a place that may be shown, as rounded as its field says.
/// What is to be said about it is its foreign member `banyan`; the records without a place are counted there.
pub(crate) fn map_of(
    kinds: &[Rows<'_>],
    about: &mut About,
    names: Names<'_>,
) -> Result<Vec<u8>, Failure> {
    let mut features = Vec::new();
    for rows in kinds {
        for row in &rows.rows {
            match feature(rows.kind, row, names) {
                Some(feature) => features.push(feature),
                None => about.without_place += 1,
            }
        }
    }
    let mut said = JsonObject::new();
    said.insert("banyan".to_owned(), about.as_json());
    let map = FeatureCollection {
        bbox: None,
        features,
        foreign_members: Some(said),
    };
    let mut bytes = serde_json::to_vec_pretty(&map).map_err(Failure::internal)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn feature(kind: &Kind, row: &ViewRow, names: Names<'_>) -> Option<Feature> {
    let values: JsonObject = serde_json::from_str(&row.fields).ok()?;
    let (place, decimals) = shown_fields(kind, names.personal).find_map(decimals_of)?;
    let point: Point = values.get(place.name())?.as_str()?.parse().ok()?;
    let rounded: Point = point.rounded(decimals).parse().ok()?;
    let mut properties = JsonObject::new();
    let mut put = |name: &str, value: serde_json::Value| {
        properties.insert(name.to_owned(), value);
    };
    put(names::RECORD, json!(row.record.to_string()));
    put(names::KIND, json!(kind.name()));
    if !names.personal && has_personal_title(kind) {
        put(names::TITLE, json!(mask::whole(&row.title)));
    }
    for field in shown_fields(kind, names.personal) {
        let value = values.get(field.name()).filter(|value| !value.is_null());
        if let Some(value) = value.filter(|_| decimals_of(field).is_none()) {
            put(field.name(), value.clone());
        }
    }
    put(names::SPACE, json!(names.space(&row.space)));
    put(names::CREATED_AT, json!(utc(row.created_at)));
    put(names::CREATED_BY, json!(names.device(&row.created_by)));
    put(names::UPDATED_AT, json!(utc(row.updated_at)));
    put(names::UPDATED_BY, json!(names.device(&row.updated_by)));
    Some(Feature {
        bbox: None,
        geometry: Some(Geometry::new(GeometryValue::Point {
            coordinates: Position::from([rounded.longitude, rounded.latitude]),
        })),
        id: Some(Id::String(row.record.to_string())),
        properties: Some(properties),
        foreign_members: None,
    })
}

fn decimals_of(field: &Field) -> Option<(&Field, u8)> {
    if let FieldType::Point { decimals } = field.ty() {
        Some((field, *decimals))
    } else {
        None
    }
}
