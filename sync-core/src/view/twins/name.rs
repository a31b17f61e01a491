//! Names and telephones as people write them, in a form that can be compared.

use std::collections::BTreeSet;

use super::door::plain;

/// What is said behind a surname or a name, the longest first.
const TITLES: [&str; 34] = [
    "老奶奶",
    "老爷爷",
    "老太太",
    "老先生",
    "奶奶",
    "爷爷",
    "婆婆",
    "公公",
    "伯伯",
    "叔叔",
    "阿姨",
    "阿婆",
    "阿公",
    "阿伯",
    "阿叔",
    "大爷",
    "大妈",
    "大娘",
    "大姐",
    "大哥",
    "大叔",
    "大婶",
    "婶婶",
    "老师",
    "师傅",
    "医生",
    "先生",
    "女士",
    "太太",
    "小姐",
    "伯",
    "叔",
    "姨",
    "婶",
];
/// What is said before it.
const PREFIXES: [char; 3] = ['老', '小', '阿'];
/// The same in English, as words.
const WORDS: [&str; 9] = [
    "granny", "grandma", "grandpa", "auntie", "aunt", "uncle", "mr", "mrs", "ms",
];
/// Telephones that are looked at of one record.
const PHONES_MAX: usize = 3;
/// Fewer digits are an extension or a slip of the pen.
const PHONE_DIGITS_MIN: usize = 7;

/// What somebody is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Without spaces, signs and what is said out of politeness.
    pub(super) text: String,
    /// The first character, if it is a surname's.
    pub(super) surname: Option<char>,
    /// Whether it says who: `王奶奶` does not.
    pub(super) is_full: bool,
}

impl Name {
    /// Reads a name; none where nothing is left of what was written. What stands in brackets is a remark.
    pub(super) fn read(written: &str) -> Option<Self> {
        let plain = plain(written);
        let (name, _remark) = plain.split_once('(').unwrap_or((&plain, ""));
        let words: Vec<String> = name
            .split_whitespace()
            .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect())
            .filter(|word: &String| !word.is_empty())
            .collect();
        let whole = words.concat();
        let first = whole.chars().next()?;
        Some(if is_han(first) {
            Self::of_han(&whole)
        } else {
            let is_full = words.iter().filter(|word| !is_title(word)).count() >= 2;
            Self {
                text: whole,
                surname: None,
                is_full,
            }
        })
    }

    fn of_han(whole: &str) -> Self {
        let title = TITLES.iter().find_map(|title| whole.strip_suffix(title));
        let polite = title.filter(|name| !name.is_empty());
        let name = polite.unwrap_or(whole);
        let chars = name.chars().count();
        let prefix = name.strip_prefix(PREFIXES).filter(|_| chars == 2);
        let is_full = chars >= 2 && prefix.is_none();
        // `阿英` names a given name, `老王` a surname.
        let surname = match prefix {
            Some(rest) if !name.starts_with('阿') => rest.chars().next(),
            Some(_) => None,
            None => name.chars().next(),
        };
        Self {
            text: if is_full { name } else { whole }.to_owned(),
            surname,
            is_full,
        }
    }

    /// Whether one of two names may be a shorter way to say the other.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let same_surname = self.surname.is_some() && self.surname == other.surname;
        same_surname && !(self.is_full && other.is_full)
    }
}

fn is_title(word: &str) -> bool {
    WORDS.contains(&word)
}

fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// The telephones in a line, by their digits: a mobile's eleven, of others the last eight.
pub(super) fn phones(written: &str) -> BTreeSet<String> {
    let parts = plain(written);
    let parts = parts.split([',', '、', ';', '/', '|', '或', '和', '\n']);
    let phones = parts.filter_map(|part| {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        let abroad = digits
            .strip_prefix("0086")
            .or_else(|| digits.strip_prefix("86"));
        let digits = abroad
            .filter(|rest| rest.len() >= 10)
            .unwrap_or(digits.as_str());
        let is_mobile = digits.len() == 11 && digits.starts_with('1');
        let from = if is_mobile {
            0
        } else {
            digits.len().saturating_sub(8)
        };
        let kept = digits.get(from..)?;
        let is_one_digit = kept.chars().all(|c| kept.starts_with(c));
        (kept.len() >= PHONE_DIGITS_MIN && !is_one_digit).then(|| kept.to_owned())
    });
    phones.take(PHONES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(written: &str) -> Name {
        Name::read(written).unwrap()
    }

    #[test]
    fn politeness_signs_and_remarks_are_no_part_of_a_name() {
        for written in [
            "王秀英",
            " 王 秀 英 ",
            "王秀英奶奶",
            "王秀英（英姐）",
            "王·秀英",
        ] {
            let name = name(written);
            assert!(name.text == "王秀英" && name.is_full, "{written}");
        }
        assert_eq!(name("Wang Fang").text, name("WANG  FANG").text);
        assert!(name("Wang Fang").is_full);
        assert_eq!(Name::read(" ？ "), None);
    }

    #[test]
    fn surname_with_a_title_says_little() {
        for written in ["王奶奶", "老王", "小王", "王伯", "王"] {
            let name = name(written);
            assert!(!name.is_full && name.surname == Some('王'), "{written}");
        }
        assert!(!name("阿英").is_full && name("阿英").surname.is_none());
        assert!(!name("Granny Wang").is_full);
        assert!(name("王奶奶").fits(&name("王秀英")));
        assert!(name("老王").fits(&name("王伯")));
        assert!(!name("王奶奶").fits(&name("李秀英")));
        assert!(!name("王秀英").fits(&name("王秀兰")));
    }

    #[test]
    fn telephones_are_their_digits() {
        let one = |written: &str| phones(written).into_iter().collect::<Vec<_>>();
        for written in [
            "13800130213",
            "138 0013 0213",
            "+86 138-0013-0213",
            "１３８００１３０２１３",
        ] {
            assert_eq!(one(written), ["13800130213"], "{written}");
        }
        assert_eq!(one("0757-85430213"), ["85430213"]);
        assert_eq!(one("85430213"), ["85430213"]);
        assert_eq!(one("13800130213、0757 85430213").len(), 2);
        for written in ["", "没有", "0213", "00000000000", "11111111"] {
            assert_eq!(one(written), Vec::<String>::new(), "{written}");
        }
    }
}
