//! Personal names, and how Chinese names are read.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use crate::Person;

/// Family names of the Pearl River Delta, the most frequent ones more than once.
const FAMILY: &str = "陈陈陈陈李李李黄黄黄梁梁梁何何张刘罗邓林潘冯谭麦吴关杨叶周徐郭简杜孔苏朱曾霍蔡卢邝招崔莫邹欧彭程游范岑方陆钟庞劳伍";
const GIVEN: &str = "伟强明华志文建国荣辉海峰军平德福贵财根发祥兴旺成才胜利永光耀宗培业炳添锦泉汉源树森勇杰健俊宇浩然子轩嘉乐梓晴思敏桂芳秀英丽珍玉兰凤娟美玲惠群燕霞红梅翠莲婉仪淑贤月娥瑞琴彩云顺好转弟洁莹佩珊雪芬少琼丹静怡";

/// A volunteer of a village.
pub(crate) fn person(rng: &mut ChaCha8Rng, village: usize) -> Person {
    let (name_zh, name_en) = full_name(rng);
    Person {
        village,
        name_zh,
        name_en,
    }
}

/// A name in Chinese and in pinyin, family name first.
pub(crate) fn full_name(rng: &mut ChaCha8Rng) -> (String, String) {
    let characters = Characters::all();
    let family = *characters
        .family
        .choose(rng)
        .expect("the list is not empty");
    let length = if rng.random_bool(0.8) { 2 } else { 1 };
    let given: String = characters.given.sample(rng, length).collect();
    let pinyin = format!("{} {}", pinyin(&family.to_string()), pinyin(&given));
    (format!("{family}{given}"), pinyin)
}

/// The reading of a name as one word; with an apostrophe where two syllables would run together (`Xi'an`).
///
/// Other characters than those in `data/pinyin.csv` stay as they are.
pub(crate) fn pinyin(name: &str) -> String {
    let readings = &Characters::all().readings;
    let mut word = String::new();
    for character in name.chars() {
        let Some(syllable) = readings.get(&character) else {
            word.push(character);
            continue;
        };
        if word.is_empty() {
            let (first, rest) = syllable.split_at(1);
            word.push_str(&first.to_ascii_uppercase());
            word.push_str(rest);
        } else {
            if syllable.starts_with(['a', 'e', 'o']) {
                word.push('\'');
            }
            word.push_str(syllable);
        }
    }
    word
}

/// The characters of names, taken apart once.
struct Characters {
    family: Vec<char>,
    given: Vec<char>,
    readings: BTreeMap<char, &'static str>,
}

impl Characters {
    fn all() -> &'static Self {
        static ALL: OnceLock<Characters> = OnceLock::new();
        ALL.get_or_init(|| {
            let rows = include_str!("../data/pinyin.csv").lines().skip(1);
            let readings = rows
                .filter_map(|row| row.split_once(','))
                .filter_map(|(character, syllable)| Some((character.chars().next()?, syllable)));
            Self {
                family: FAMILY.chars().collect(),
                given: GIVEN.chars().collect(),
                readings: readings.collect(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_a_name_has_a_reading() {
        for character in FAMILY.chars().chain(GIVEN.chars()) {
            assert!(
                Characters::all().readings.contains_key(&character),
                "{character}"
            );
        }
    }

    #[test]
    fn readings_are_written_as_one_word() {
        assert_eq!(pinyin("良登"), "Liangdeng");
        assert_eq!(pinyin("西岸"), "Xi'an");
        assert_eq!(pinyin("罗行"), "Luohang");
    }
}
