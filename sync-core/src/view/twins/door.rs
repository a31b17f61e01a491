//! Doors as people write them, in a form in which two ways of writing one door are equal.

use crate::schema::narrow;

/// What stands for a number's place and not for a part of the number: left out after digits.
const UNITS: [&str; 8] = ["门牌号", "号房", "号门", "号", "號", "室", "房", "户"];
/// Words for one thing.
const SAME: [(&str, &str); 3] = [("幢", "栋"), ("座", "栋"), ("门牌", "")];

/// Where a home is, without what writers differ in: `石桥巷 １０号之一` is `石桥巷10-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Door(String);

/// How two doors are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearness {
    /// The same one.
    Same,
    /// One says more than the other, and nothing else.
    Near,
    /// Two.
    Apart,
}

impl Door {
    /// Reads a door; none where nothing is left of what was written.
    pub(super) fn read(written: &str) -> Option<Self> {
        let kept: String = plain(written)
            .chars()
            .map(|c| if is_joint(c) { '-' } else { c })
            .filter(|c| c.is_alphanumeric() || *c == '-')
            .collect();
        let counted = with_digits(&kept);
        let called = SAME
            .iter()
            .fold(counted, |text, (from, to)| text.replace(from, to));
        let door = without_units(&called);
        let door = door.trim_matches('-');
        (!door.is_empty()).then(|| Self(door.to_owned()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The first number in it, by which doors are looked up that may be near.
    pub(super) fn number(&self) -> Option<&str> {
        let digits = |c: char| c.is_ascii_digit();
        let from = self.0.find(digits)?;
        let rest = self.0.get(from..)?;
        let end = rest.find(|c| !digits(c)).unwrap_or(rest.len());
        rest.get(..end)
    }

    pub(super) fn nearness(&self, other: &Self) -> Nearness {
        let (short, long) = if self.0.len() <= other.0.len() {
            (&self.0, &other.0)
        } else {
            (&other.0, &self.0)
        };
        if short == long {
            return Nearness::Same;
        }
        let has_number = short.chars().any(|c| c.is_ascii_digit());
        // `石桥巷10` and `石桥巷10-1`; not `石桥巷1` and `石桥巷10`.
        let goes_on = long
            .strip_prefix(short.as_str())
            .is_some_and(|rest| rest.starts_with('-'));
        // `12` and `仁和里12`; not `2` and `仁和里12`.
        let has_lane = long.strip_suffix(short.as_str()).is_some_and(|lane| {
            short.starts_with(|c: char| c.is_ascii_digit())
                && !lane.ends_with(|c: char| c.is_ascii_digit() || c == '-')
        });
        if has_number && (goes_on || has_lane) {
            Nearness::Near
        } else {
            Nearness::Apart
        }
    }
}

/// The letters, digits and signs of Chinese keyboards as those of others, in small letters.
pub(super) fn plain(text: &str) -> String {
    let narrow = text.chars().map(narrow);
    narrow.flat_map(char::to_lowercase).collect()
}

fn is_joint(c: char) -> bool {
    matches!(c, '-' | '—' | '–' | '－' | '#' | '/' | '之')
}

fn digit(c: char) -> Option<u32> {
    const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let digits = (0..).zip(DIGITS);
    let found = digits.into_iter().find(|(_, digit)| *digit == c);
    match c {
        '〇' => Some(0),
        _other => found.map(|(value, _)| value),
    }
}

fn is_numeral(c: char) -> bool {
    digit(c).is_some() || matches!(c, '十' | '百')
}

/// Numbers in Chinese characters as digits: `十二` is 12, `一百零三` 103, `二〇三` 203.
fn with_digits(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars() {
        if is_numeral(c) {
            run.push(c);
            continue;
        }
        written.push_str(&number_of(&std::mem::take(&mut run)));
        written.push(c);
    }
    written + &number_of(&run)
}

fn number_of(run: &str) -> String {
    if run.is_empty() {
        return String::new();
    }
    if !run.contains(['十', '百']) {
        return run
            .chars()
            .filter_map(digit)
            .map(|digit| digit.to_string())
            .collect();
    }
    let (mut total, mut last) = (0_u32, None);
    for c in run.chars() {
        let unit = match c {
            '十' => 10,
            '百' => 100,
            _digit => {
                last = digit(c);
                continue;
            }
        };
        let many = last.take().unwrap_or(1).saturating_mul(unit);
        total = total.saturating_add(many);
    }
    total.saturating_add(last.unwrap_or(0)).to_string()
}

/// The text with a `-` in the place of each unit after a digit, and one where several come together.
fn without_units(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let unit = UNITS.iter().find_map(|unit| rest.strip_prefix(unit));
        let follows_digit = kept.ends_with(|c: char| c.is_ascii_digit());
        let after = if let Some(after) = unit.filter(|_| follows_digit) {
            kept.push('-');
            after
        } else {
            // `3号门` has a unit of two characters; `3门` alone is a door too.
            if c != '-' || !kept.ends_with('-') {
                kept.push(c);
            }
            rest.get(c.len_utf8()..).unwrap_or_default()
        };
        rest = after;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(written: &str) -> Door {
        Door::read(written).unwrap()
    }

    #[test]
    fn one_door_is_written_in_many_ways() {
        for written in [
            "仁和里12号",
            "仁和里 １２ 号",
            "仁和里十二号",
            "仁和里12號",
            "仁和里12号门",
            "仁和里12",
            "仁和里门牌12号",
            "仁和里12户",
        ] {
            assert_eq!(door(written).text(), "仁和里12", "{written}");
        }
        for written in [
            "石桥巷10号之一",
            "石桥巷10-1号",
            "石桥巷１０－１",
            "石桥巷十号之1",
        ] {
            assert_eq!(door(written).text(), "石桥巷10-1", "{written}");
        }
        for written in ["3幢2单元501室", "3座二单元501房", "三栋2单元五〇一"] {
            assert_eq!(door(written).text(), "3栋2单元501", "{written}");
        }
        assert_eq!(door("一百零三号").text(), "103");
        assert_eq!(door("新村一路3号").text(), "新村1路3");
        assert_eq!(Door::read(" ，。"), None);
    }

    #[test]
    fn doors_are_near_where_one_says_more() {
        let nearness = |a: &str, b: &str| {
            assert_eq!(door(a).nearness(&door(b)), door(b).nearness(&door(a)));
            door(a).nearness(&door(b))
        };
        assert_eq!(nearness("石桥巷10号", "石桥巷十号"), Nearness::Same);
        assert_eq!(nearness("石桥巷10号", "石桥巷10号之一"), Nearness::Near);
        assert_eq!(nearness("12号", "仁和里12号"), Nearness::Near);
        for (a, b) in [
            ("石桥巷1号", "石桥巷10号"),
            ("2号", "仁和里12号"),
            ("1号", "石桥巷10号之一"),
            ("石桥巷", "石桥巷10号"),
            ("石桥巷10号", "仁和里10号"),
        ] {
            assert_eq!(nearness(a, b), Nearness::Apart, "{a} {b}");
        }
        assert_eq!(door("新村一路3号").number(), Some("1"));
        assert_eq!(door("祠堂边").number(), None);
    }
}
