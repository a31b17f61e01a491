//! Real villages, from the division codes of Nanhai district.

use std::collections::{BTreeMap, BTreeSet};

use crate::Village;
use crate::name::pinyin;

/// The town of Danzao, where the first station stands.
const DANZAO: &str = "440605123";

/// A row of the table of divisions.
struct Division {
    code: String,
    name: String,
    level: String,
    parent: String,
}

/// The first `count` villages: Danzao's villages, Danzao's communities, then the other towns' in the same order.
///
/// Past the last one they begin anew, as second parts of the first ones.
pub(crate) fn villages(count: usize) -> Vec<Village> {
    let real = real_villages();
    let parts = real.iter().cycle().enumerate().take(count);
    parts
        .map(|(index, village)| match index / real.len() {
            0 => village.clone(),
            round => Village {
                code: format!("{}-{}", village.code, round + 1),
                name_zh: format!("{}{}片", village.name_zh, round + 1),
                name_en: format!("{} {}", village.name_en, round + 1),
            },
        })
        .collect()
}

fn real_villages() -> Vec<Village> {
    let mut divisions = divisions();
    divisions.sort_by_key(|division| {
        let elsewhere = division.parent != DANZAO;
        (
            elsewhere,
            division.level != "village",
            division.code.clone(),
        )
    });
    let towns: BTreeMap<&str, &str> = divisions
        .iter()
        .map(|division| (division.code.as_str(), division.name.as_str()))
        .collect();

    let mut taken = BTreeSet::new();
    let mut villages = Vec::new();
    for division in &divisions {
        let Some((bare, name_zh)) = short_name(&division.name) else {
            continue;
        };
        let mut village = Village {
            code: division.code.clone(),
            name_zh,
            name_en: pinyin(bare),
        };
        // Two towns may each have a village of this name, or of this sound.
        if !taken.insert(village.name_en.clone()) {
            let town = towns
                .get(division.parent.as_str())
                .copied()
                .unwrap_or_default();
            let town_bare = town.trim_end_matches('镇').trim_end_matches("街道");
            village.name_zh = format!("{town}{}", village.name_zh);
            village.name_en = format!("{} {}", pinyin(town_bare), village.name_en);
            taken.insert(village.name_en.clone());
        }
        villages.push(village);
    }
    villages
}

/// The bare name and the name in daily use of a residents' or villagers' committee.
///
/// `None` for towns, and for industrial parks, where nobody is visited.
fn short_name(name: &str) -> Option<(&str, String)> {
    if let Some(bare) = name.strip_suffix("村委会") {
        let name_zh = if bare.ends_with('村') {
            bare.to_owned()
        } else {
            format!("{bare}村")
        };
        return Some((bare, name_zh));
    }
    let bare = name.strip_suffix("居委会")?.trim_end_matches("社区");
    Some((bare, format!("{bare}社区")))
}

fn divisions() -> Vec<Division> {
    let table = include_str!("../data/nanhai-org-units.csv");
    let rows = csv::Reader::from_reader(table.as_bytes()).into_deserialize();
    rows.map(|row| {
        let (code, name, level, parent) = row.expect("the table is checked by a test");
        Division {
            code,
            name,
            level,
            parent,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn danzaos_villages_come_first_and_are_read_in_pinyin() {
        let names: Vec<String> = villages(7)
            .into_iter()
            .map(|village| village.name_zh)
            .collect();
        assert_eq!(
            names,
            [
                "良登村",
                "朗心村",
                "下滘村",
                "中安村",
                "西岸村",
                "下安村",
                "丹灶社区"
            ]
        );
    }

    #[test]
    fn every_village_has_a_code_and_names_of_its_own() {
        let villages = villages(900);
        let distinct =
            |of: fn(&Village) -> &String| villages.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(|village| &village.code), 900);
        assert_eq!(distinct(|village| &village.name_zh), 900);
        assert_eq!(distinct(|village| &village.name_en), 900);
        assert!(villages.iter().all(|village| village.name_en.is_ascii()));
    }
}
