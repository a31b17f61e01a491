//! What is different between two values of a field, so that a word that was added to a long text is seen
//! at once and the text is not read twice.

use similar::{DiffTag, TextDiff};

use super::views::shared::Piece;

/// Beyond so many characters in both together, the two stand one behind the other.
const COMPARED_MAX: usize = 4_000;
/// Values below this length are read faster than a comparison of them.
const COMPARED_MIN: usize = 12;
/// What is the same in both must be so much of them, of one.
const LIKE_MIN: f32 = 0.5;
/// So few equal characters between two changes are chance.
const CHANCE_MAX: usize = 1;
/// So many equal characters around a change say where it is.
const AROUND: usize = 16;
/// Stands for what is left out.
const GAP: &str = "…";

const GONE: &str = "gone";
const NEW: &str = "new";
const SAME: &str = "same";
const TO: &str = "to";

/// A value, and what it was before; none if there was nothing.
pub(super) fn pieces(before: Option<&str>, after: &str) -> Vec<Piece> {
    let Some(before) = before else {
        return vec![piece(NEW, after)];
    };
    runs(before, after).map_or_else(
        || vec![piece(GONE, before), piece(TO, ""), piece(NEW, after)],
        |runs| shortened(&runs),
    )
}

fn piece(tone: &str, text: impl Into<String>) -> Piece {
    Piece {
        tone: tone.to_owned(),
        text: text.into(),
    }
}

/// Characters that are the same, gone and new, in turn; none if a comparison is of no help.
fn runs(before: &str, after: &str) -> Option<Vec<Piece>> {
    let (old, new) = (before.chars().count(), after.chars().count());
    if old.min(new) < COMPARED_MIN || old + new > COMPARED_MAX {
        return None;
    }
    let diff = TextDiff::from_chars(before, after);
    if diff.ratio() < LIKE_MIN {
        return None;
    }
    let (mut runs, mut gone, mut fresh) = (Vec::new(), String::new(), String::new());
    for op in diff.ops() {
        let was: String = diff.old_slices().get(op.old_range())?.concat();
        let is: String = diff.new_slices().get(op.new_range())?.concat();
        let is_between = !gone.is_empty() || !fresh.is_empty();
        let is_chance = is_between && op.new_range().end < new && is.chars().count() <= CHANCE_MAX;
        if op.tag() == DiffTag::Equal && !is_chance {
            close(&mut runs, &mut gone, &mut fresh);
            runs.push(piece(SAME, is));
        } else {
            gone.push_str(&was);
            fresh.push_str(&is);
        }
    }
    close(&mut runs, &mut gone, &mut fresh);
    Some(runs)
}

fn close(runs: &mut Vec<Piece>, gone: &mut String, fresh: &mut String) {
    for (tone, text) in [(GONE, gone), (NEW, fresh)] {
        if !text.is_empty() {
            runs.push(piece(tone, std::mem::take(text)));
        }
    }
}

/// Long stretches that are the same, cut to what is near a change.
fn shortened(runs: &[Piece]) -> Vec<Piece> {
    let last = runs.len().saturating_sub(1);
    let cut = runs.iter().enumerate().map(|(n, run)| {
        if run.tone != SAME {
            return run.clone();
        }
        let chars: Vec<char> = run.text.chars().collect();
        let head = if n == 0 { 0 } else { AROUND };
        let tail = if n == last { 0 } else { AROUND };
        if chars.len() <= head + tail + GAP.len() {
            return run.clone();
        }
        let head: String = chars.iter().take(head).collect();
        let tail: String = chars.iter().skip(chars.len() - tail).collect();
        piece(SAME, format!("{head}{GAP}{tail}"))
    });
    cut.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: Option<&str>, after: &str) -> Vec<(String, String)> {
        let pieces = pieces(before, after).into_iter();
        pieces.map(|piece| (piece.tone, piece.text)).collect()
    }

    fn owned(pieces: &[(&str, &str)]) -> Vec<(String, String)> {
        let pieces = pieces.iter();
        pieces
            .map(|(tone, text)| ((*tone).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn short_values_stand_one_behind_the_other() {
        assert_eq!(told(None, "8"), owned(&[(NEW, "8")]));
        let wanted = owned(&[(GONE, "5"), (TO, ""), (NEW, "8")]);
        assert_eq!(told(Some("5"), "8"), wanted);
    }

    #[test]
    fn what_was_added_to_a_long_text_is_told_with_what_stands_around_it() {
        let before =
            "离变压器太近，建议三家报价；材料4100元，人工2300元，请霍月贵牵头。用集体收入支付。";
        let after = format!("{before}\n陈弟胜：最好预算7100元");
        let told = told(Some(before), &after);
        let added = ("new".to_owned(), "\n陈弟胜：最好预算7100元".to_owned());
        assert_eq!(told.get(1), Some(&added));
        let around = told.first().map(|(_, text)| text.chars().count());
        assert_eq!(around, Some(AROUND + 1));
    }

    #[test]
    fn word_that_was_corrected_in_the_middle_is_told_both_ways() {
        let before = "老人一个人住在三楼，腿脚不便，每周三要去卫生站量血压。";
        let after = before.replace("三楼", "五楼");
        let told = told(Some(before), &after);
        assert!(
            told.contains(&(GONE.to_owned(), "三".to_owned())),
            "{told:?}"
        );
        assert!(
            told.contains(&(NEW.to_owned(), "五".to_owned())),
            "{told:?}"
        );
    }

    #[test]
    fn texts_that_have_little_in_common_are_not_mixed() {
        let (before, after) = ("水泵坏了，等村里来修，急", "Weekly meeting about the pump");
        let wanted = owned(&[(GONE, before), (TO, ""), (NEW, after)]);
        assert_eq!(told(Some(before), after), wanted);
    }

    #[test]
    fn nothing_is_lost_between_the_pieces_of_texts_that_are_not_shortened() {
        let pairs = [
            (
                "一二三四五六七八九十甲乙丙丁",
                "一二三四五六七八九十甲丙乙丁",
            ),
            ("aaaaaaaaaaaabbbbbb", "aaaaaabbbbbbbbbbbb"),
        ];
        for (before, after) in pairs {
            let runs = runs(before, after).unwrap();
            let text = |skipped: &str| -> String {
                let kept = runs.iter().filter(|run| run.tone != skipped);
                kept.map(|run| run.text.as_str()).collect()
            };
            assert_eq!(
                (text(NEW), text(GONE)),
                (before.to_owned(), after.to_owned())
            );
        }
    }
}
