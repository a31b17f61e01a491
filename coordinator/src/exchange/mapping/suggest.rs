//! What a column probably is, by its name.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::schema::{Choice, Field, FieldType, Kind, Lang};

use super::{ColumnMapping, Mapping, VERSION};
use crate::exchange::names;
use crate::exchange::sheet::{
    Sheet, Source, id_columns, is_of_the_source, plain, time_columns, words_of,
};

/// How many different values of a column are looked at.
const VALUES_MAX: usize = 200;
/// Names that are less alike than this are not taken for each other.
const ALIKE_MIN: f64 = 0.9;
/// What is certain: the name, a label, or a name that everybody uses for it.
const SURE: u32 = 80;

/// What somebody should look at.
const LIKELY: u32 = 70;
/// The kind whose records are named by their doors, and what tables call those.
const HOUSEHOLD: &str = "household";
const DOORS: [&str; 6] = ["door", "门牌", "门牌号", "住户", "household", "house"];

/// A mapping, and what is to be said about it.
#[derive(Debug)]
pub(crate) struct Suggested {
    pub(crate) mapping: Mapping,
    /// Columns that no field takes and that are not the source's own.
    pub(crate) unknown: Vec<String>,
    /// A field that two columns certainly are.
    pub(crate) twice: Option<String>,
}

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

/// Suggests a mapping of all columns.
pub(crate) fn suggest(sheet: &Sheet, kind: &Kind) -> Suggested {
    let mut scored = scores(sheet, kind);
    // The most certain first; among equals the column that stands first.
    scored.sort_by_key(|(score, column, field)| (std::cmp::Reverse(*score), *column, *field));
    let mut twice = None;
    let mut taken: BTreeMap<&str, (u32, usize)> = BTreeMap::new();
    let mut placed: BTreeMap<usize, (&str, u32)> = BTreeMap::new();
    for (score, column, field) in scored {
        if placed.contains_key(&column) {
            continue;
        }
        if let Some((before, _)) = taken.get(field) {
            // Two columns by the very name or label: nobody can tell which is meant.
            if score > SURE && *before > SURE && !sheet.source.is_survey() {
                twice.get_or_insert_with(|| field.to_owned());
            }
            continue;
        }
        taken.insert(field, (score, column));
        placed.insert(column, (field, score));
    }
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

/// How likely each column is each field, in percent; those that are not are left out.
fn scores<'k>(sheet: &Sheet, kind: &'k Kind) -> Vec<(u32, usize, &'k str)> {
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
    let has_day = |scored: &[(u32, usize, &str)], field: &Field| {
        scored.iter().any(|(_, _, name)| *name == field.name())
    };
    for field in kind.fields().iter().filter(|field| field.required()) {
        let takes_time = matches!(field.ty(), FieldType::Date | FieldType::Time);
        if let Some(column) = sheet
            .column(time_columns(sheet.source))
            .filter(|_| takes_time)
            && !has_day(&scored, field)
        {
            scored.push((SURE, column, field.name()));
        }
    }
    scored
}

fn score(source: Source, column: &str, field: &Field) -> Option<u32> {
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
fn simple(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// From 0 to 1. Short Chinese words are alike if one is in the other.
fn alike(known: &str, wanted: &str) -> f64 {
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
