//! How likely a column is a field, by what both are called.

use sync_core::schema::{Field, FieldType, Lang};

use crate::exchange::names;
use crate::exchange::sheet::{Source, is_of_the_source, plain};

/// Names that are less alike than this are not taken for each other.
pub(super) const ALIKE_MIN: f64 = 0.9;
/// What is certain: the name, a label, or a name that everybody uses for it.
pub(super) const SURE: u32 = 80;
/// What somebody should look at.
const LIKELY: u32 = 70;
/// The kind whose records are named by their doors, and what tables call those.
const HOUSEHOLD: &str = "household";
const DOORS: [&str; 6] = ["door", "门牌", "门牌号", "住户", "household", "house"];

/// Names that people and forms use for fields, beside those of the schema.
const ALIASES: [(&str, &[&str]); 25] = [
    ("birth_year", &["出生年", "year_of_birth", "yob"]),
    ("body", &["详情", "描述", "说明", "description", "details"]),
    ("category", &["categoryId", "类别", "分类"]),
    ("code", &["代码", "编码", "区划编码"]),
    ("date", &["日期", "时间", "visit_date", "day", "服务日期"]),
    (
        "door",
        &[
            "门牌号",
            "地址",
            "住址",
            "address",
            "house",
            "house_number",
            "door_code",
        ],
    ),
    ("due", &["截止日期", "deadline"]),
    (
        "findings",
        &[
            "情况",
            "走访记录",
            "备注",
            "notes",
            "note",
            "observations",
            "remarks",
        ],
    ),
    ("guardian", &["监护人姓名"]),
    (
        "headcount",
        &["人数", "attendance", "participants", "attendees"],
    ),
    (
        "household",
        &["户主", "住户姓名", "家庭", "household_name", "family"],
    ),
    ("minutes", &["分钟", "duration", "length"]),
    ("mood", &["情绪"]),
    ("name", &["姓名", "名字", "full_name"]),
    ("note", &["备注", "notes", "remarks", "comment"]),
    ("outcome", &["结果", "result"]),
    (
        "people",
        &["人数", "家庭人数", "household_size", "family_size"],
    ),
    (
        "phone",
        &[
            "电话",
            "手机",
            "手机号",
            "tel",
            "telephone",
            "mobile",
            "联系方式",
        ],
    ),
    ("place", &["场地", "地址", "venue", "location"]),
    (
        "point",
        &[
            "坐标",
            "位置",
            "gps",
            "geopoint",
            "location",
            "_geolocation",
            names::POINT,
        ],
    ),
    ("purpose", &["目的", "事由", "reason_for_visit"]),
    ("report", &["小结", "summary"]),
    ("size", &["人数", "人口", "household_size", "family_size"]),
    (
        "title",
        &["标题", "名称", "主题", "subject", "name", "topic"],
    ),
    ("what", &["内容", "服务", "service", "activity"]),
];

/// How likely a column is a field, in percent; none if it is not.
pub(super) fn score(source: Source, column: &str, field: &Field) -> Option<u32> {
    let name = plain(column);
    if name == field.name() {
        return Some(100);
    }
    if source == Source::Own {
        // Our own columns say exactly what they are; a map's place has no other name than that.
        let is_place = name == names::POINT && matches!(field.ty(), FieldType::Point { .. });
        return is_place.then_some(SURE);
    }
    let aliases = ALIASES.iter().find(|(known, _)| *known == field.name());
    let mut aliases = aliases.map_or(&[][..], |(_, aliases)| aliases).iter();
    if is_of_the_source(source, column) {
        // What a program adds of itself is a question of nobody's form.
        return aliases.any(|alias| *alias == name).then_some(SURE);
    }
    let wanted = simple(name);
    let labels = || [Lang::Zh, Lang::En].map(|lang| simple(field.label(lang)));
    if wanted == simple(field.name()) {
        return Some(99);
    }
    if labels().contains(&wanted) {
        return Some(95);
    }
    // Forms put the group before the question.
    let last = simple(last_part(source, name));
    if last != wanted && (last == simple(field.name()) || labels().contains(&last)) {
        return Some(90);
    }
    let is_meant = |alias: &&str| **alias == *name || simple(alias) == last;
    if !last.is_empty() && aliases.any(is_meant) {
        return Some(SURE);
    }
    let is_door = || DOORS.iter().any(|door| simple(door) == last);
    if matches!(field.ty(), FieldType::Link(kinds) if kinds.iter().any(|kind| kind == HOUSEHOLD))
        && is_door()
    {
        // Only likely: the households may not be here yet.
        return Some(LIKELY);
    }
    let mut known = labels().to_vec();
    known.push(simple(field.name()));
    let alike = known
        .iter()
        .map(|known| alike(known, &last))
        .fold(0.0, f64::max);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 60"
    )]
    let score = (alike * 60.0) as u32;
    (alike >= ALIKE_MIN).then_some(score)
}

/// The question in `group/question` or, with ODK, `group-question`.
fn last_part(source: Source, column: &str) -> &str {
    let is_between = |c: char| c == '/' || (c == '-' && source == Source::Odk);
    column.rsplit(is_between).next().unwrap_or(column)
}

/// Small letters, without what people put between words.
pub(super) fn simple(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// From 0 to 1. Short Chinese words are alike if one is in the other.
pub(super) fn alike(known: &str, wanted: &str) -> f64 {
    let (a, b) = (known.chars().count(), wanted.chars().count());
    if a < 2 || b < 2 {
        return 0.0;
    }
    let is_wide = |text: &str| text.chars().all(|c| !c.is_ascii());
    if is_wide(known) && is_wide(wanted) {
        let is_in = known.contains(wanted) || wanted.contains(known);
        return if is_in { 0.95 } else { 0.0 };
    }
    if a < 4 || b < 4 {
        return 0.0;
    }
    strsim::jaro_winkler(known, wanted)
}
