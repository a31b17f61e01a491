//! What a person typed for one field, read as the field's type asks.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};

use super::error::FieldError;
use super::value::{Item, Point, Value};
use super::{Choice, Field, FieldType};
use crate::id::{MemberId, RecordId};

/// Longest value of a [`FieldType::Line`], and longest item of a list, in characters.
pub const LINE_CHARS_MAX: usize = 1_000;
/// Longest value of a [`FieldType::Text`], in characters.
pub const TEXT_CHARS_MAX: usize = 100_000;
/// Most members of a set, and most items of a list, that are typed at a time.
pub const MANY_MAX: usize = 500;
/// Longest [`FieldType::Minutes`]: a year.
pub const MINUTES_MAX: i64 = 366 * 24 * 60;

/// Letters of a day; those of other times than ours have more.
const DAY_LEN: usize = 10;

impl Field {
    pub(super) fn parse_value(&self, text: &str) -> Result<Value, FieldError> {
        let field = || self.name.clone();
        let word = text.trim();
        let value = match &self.ty {
            FieldType::Line => Value::Text(self.parse_line(word)?),
            FieldType::Text => Value::Text(self.parse_text(text)?),
            FieldType::Number => {
                let number = word.parse();
                Value::Number(number.map_err(|_| FieldError::NotANumber { field: field() })?)
            }
            FieldType::Minutes => {
                let minutes = parse_minutes(word);
                Value::Number(minutes.ok_or_else(|| FieldError::NotMinutes { field: field() })?)
            }
            FieldType::Date => Value::Text(self.parse_date(word)?),
            FieldType::Time => Value::Text(self.parse_time(word)?),
            FieldType::Flag => {
                let flag = parse_flag(word);
                Value::Flag(flag.ok_or_else(|| FieldError::NotAFlag { field: field() })?)
            }
            FieldType::Choice(choices) => Value::Text(self.parse_choice(choices, word)?),
            FieldType::Member => Value::Text(self.parse_unless_empty(word, Self::parse_member)?),
            FieldType::Link(_) => Value::Text(self.parse_unless_empty(word, Self::parse_link)?),
            FieldType::Point { decimals } => {
                let point = |field: &Self, word: &str| field.parse_point(word, *decimals);
                Value::Text(self.parse_unless_empty(word, point)?)
            }
            FieldType::Choices(_) | FieldType::Members | FieldType::Links(_) => {
                Value::Set(self.parse_set(text)?)
            }
            FieldType::List => Value::List(self.parse_list(text)?),
            FieldType::Blob | FieldType::Other(_) => {
                return Err(FieldError::ReadOnly { field: field() });
            }
        };
        if self.required && value.is_empty() {
            return Err(FieldError::Empty { field: field() });
        }
        Ok(value)
    }

    fn parse_unless_empty(
        &self,
        word: &str,
        parse: impl FnOnce(&Self, &str) -> Result<String, FieldError>,
    ) -> Result<String, FieldError> {
        if word.is_empty() {
            Ok(String::new())
        } else {
            parse(self, word)
        }
    }

    fn parse_line(&self, text: &str) -> Result<String, FieldError> {
        self.check_length(text, LINE_CHARS_MAX)?;
        let breaks_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if text.contains(breaks_line) {
            return Err(FieldError::NotALine {
                field: self.name.clone(),
            });
        }
        Ok(text.to_owned())
    }

    /// Takes the line ends of any system, so that one text is the same on all of them.
    fn parse_text(&self, text: &str) -> Result<String, FieldError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.check_length(&text, TEXT_CHARS_MAX)?;
        if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            return Err(FieldError::NotText {
                field: self.name.clone(),
            });
        }
        Ok(text)
    }

    fn parse_date(&self, text: &str) -> Result<String, FieldError> {
        if text.is_empty() || is_date(text) {
            return Ok(text.to_owned());
        }
        Err(FieldError::NotADate {
            field: self.name.clone(),
        })
    }

    fn parse_time(&self, text: &str) -> Result<String, FieldError> {
        if text.is_empty() {
            return Ok(String::new());
        }
        let parts = text.split_once([' ', 'T']);
        let parts = parts.map(|(date, time)| (date, time.trim_start()));
        match parts {
            Some((date, time)) if is_date(date) && is_time(time) => Ok(format!("{date} {time}")),
            Some(_) | None => Err(FieldError::NotATime {
                field: self.name.clone(),
            }),
        }
    }

    fn parse_choice(&self, choices: &[Choice], text: &str) -> Result<String, FieldError> {
        if text.is_empty() || choices.iter().any(|choice| choice.value == text) {
            return Ok(text.to_owned());
        }
        let values: Vec<&str> = choices.iter().map(Choice::value).collect();
        Err(FieldError::NotAChoice {
            field: self.name.clone(),
            choices: values.join(", "),
        })
    }

    fn parse_member(&self, text: &str) -> Result<String, FieldError> {
        let member: Result<MemberId, _> = text.parse();
        let member = member.map_err(|_| FieldError::NotAMember {
            field: self.name.clone(),
        })?;
        Ok(member.to_string())
    }

    fn parse_link(&self, text: &str) -> Result<String, FieldError> {
        let record: Result<RecordId, _> = text.parse();
        let record = record.map_err(|_| FieldError::NotALink {
            field: self.name.clone(),
        })?;
        Ok(record.to_string())
    }

    fn parse_point(&self, text: &str, decimals: u8) -> Result<String, FieldError> {
        let point: Result<Point, _> = text.parse();
        let point = point.map_err(|_| FieldError::NotAPoint {
            field: self.name.clone(),
        })?;
        Ok(point.rounded(decimals))
    }

    pub(super) fn parse_set(&self, text: &str) -> Result<BTreeSet<String>, FieldError> {
        let words = text
            .split([',', '，', '、', ';', '；', '\n'])
            .map(str::trim);
        let parse = |word: &str| match &self.ty {
            FieldType::Choices(choices) => self.parse_choice(choices, word),
            FieldType::Members => self.parse_member(word),
            FieldType::Links(_) => self.parse_link(word),
            FieldType::Blob
            | FieldType::Choice(_)
            | FieldType::Date
            | FieldType::Flag
            | FieldType::Line
            | FieldType::Link(_)
            | FieldType::List
            | FieldType::Member
            | FieldType::Minutes
            | FieldType::Number
            | FieldType::Other(_)
            | FieldType::Point { .. }
            | FieldType::Text
            | FieldType::Time => Err(FieldError::NotASet {
                field: self.name.clone(),
            }),
        };
        let elements = words.filter(|word| !word.is_empty()).map(parse);
        let elements: BTreeSet<String> = elements.collect::<Result<_, _>>()?;
        self.check_count(elements.len())?;
        Ok(elements)
    }

    fn parse_list(&self, text: &str) -> Result<Vec<Item>, FieldError> {
        let lines = text.lines().map(|line| self.parse_item(line.trim()));
        let items: Vec<Item> = lines
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        self.check_count(items.len())?;
        Ok(items)
    }

    /// One line of a list, with its tick; `None` if it says nothing.
    pub(super) fn parse_item(&self, line: &str) -> Result<Option<Item>, FieldError> {
        let after = |mark: &str| line.strip_prefix(mark);
        let ticked = after("[x]")
            .or_else(|| after("[X]"))
            .or_else(|| after("[√]"));
        let open = || after("[ ]").or_else(|| after("[]"));
        let text = ticked.or_else(open).unwrap_or(line).trim();
        let text = self.parse_line(text)?;
        Ok((!text.is_empty()).then(|| Item {
            done: ticked.is_some(),
            ..Item::new(&text)
        }))
    }

    fn check_length(&self, text: &str, chars_max: usize) -> Result<(), FieldError> {
        if text.chars().count() > chars_max {
            return Err(FieldError::TooLong {
                field: self.name.clone(),
                chars_max,
            });
        }
        Ok(())
    }

    fn check_count(&self, count: usize) -> Result<(), FieldError> {
        if count > MANY_MAX {
            return Err(FieldError::TooMany {
                field: self.name.clone(),
                max: MANY_MAX,
            });
        }
        Ok(())
    }
}

/// The date parser takes more of ISO 8601 than one form of a day; two forms would not compare as equal text.
pub(crate) fn is_date(text: &str) -> bool {
    let written = |date: &Date| date.to_string() == text;
    text.parse().is_ok_and(|date| written(&date))
}

/// The day of a date or of a time, `YYYY-MM-DD`; none if the text is neither.
pub(crate) fn day_of(text: &str) -> Option<&str> {
    let (day, time) = text.split_once(' ').unwrap_or((text, "00:00"));
    let is_day = day.len() == DAY_LEN && is_date(day) && is_time(time);
    is_day.then_some(day)
}

/// A letter, digit or sign of Chinese keyboards as that of others. Ids of things with a natural key hang on it.
#[must_use]
pub fn narrow(c: char) -> char {
    match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        _narrow => c,
    }
}

/// Hours and minutes in two digits each.
fn is_time(text: &str) -> bool {
    let written = |time: &Time| format!("{:02}:{:02}", time.hour(), time.minute()) == text;
    text.parse().is_ok_and(|time| written(&time))
}

/// `90`, `1:30`, `1小时30分` or `1h30m`, as minutes.
fn parse_minutes(text: &str) -> Option<i64> {
    let digits = |part: &str| -> Option<i64> {
        let is_plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|_| is_plain)
    };
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let text = text
        .replace("个小时", "h")
        .replace("小时", "h")
        .replace("分钟", "m")
        .replace('分', "m");
    let (hours, minutes) = if let Some((hours, minutes)) = text.split_once([':', '：']) {
        let minutes = digits(minutes).filter(|_| minutes.len() == 2)?;
        (digits(hours)?, minutes)
    } else if let Some((hours, "")) = text.split_once('h') {
        (digits(hours)?, 0)
    } else if let Some((hours, minutes)) = text.split_once('h') {
        let minutes = minutes.strip_suffix('m').unwrap_or(minutes);
        (digits(hours)?, digits(minutes)?)
    } else {
        let minutes = digits(text.strip_suffix('m').unwrap_or(&text))?;
        return (minutes <= MINUTES_MAX).then_some(minutes);
    };
    let whole = hours.checked_mul(60)?.checked_add(minutes)?;
    (minutes < 60 && whole <= MINUTES_MAX).then_some(whole)
}

fn parse_flag(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["yes", "true", "是"]) {
        Some(true)
    } else if is(&["no", "false", "否"]) {
        Some(false)
    } else {
        None
    }
}
