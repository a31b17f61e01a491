use proptest::prelude::*;

use super::*;

fn words(text: &str) -> BTreeSet<String> {
    let mut words = Words::default();
    words.add(text);
    words.add_initials(text);
    words.into_set()
}

fn finds(typed: &str, text: &str) -> bool {
    Search::read(typed).fits(&words(text))
}

#[test]
fn any_two_characters_that_stand_together_are_found() {
    let text = "三号门王芳血压偏高，下周再来";
    for typed in [
        "王芳",
        "芳血",
        "血压偏高",
        "来",
        "三",
        "下周 血压",
        "王芳，血压",
        " 再来 ",
    ] {
        assert!(finds(typed, text), "{typed}");
    }
    for typed in ["王血", "高下", "血压正常", "张", "血压 低"] {
        assert!(!finds(typed, text), "{typed}");
    }
}

#[test]
fn letters_of_all_keyboards_are_alike() {
    assert!(finds("nhs ２０２６", "NHS clinic 2026"));
    assert!(finds("ＮＨＳ", "nhs"));
    assert!(finds("①号", "1号"));
    assert!(finds("straße", "STRASSE STRAßE"));
    assert!(finds("clin", "NHS clinic"));
    assert!(!finds("linic", "NHS clinic"));
}

#[test]
fn number_before_a_character_is_whole() {
    assert!(finds("3号门", "仁和里 3号门"));
    assert!(!finds("3号门", "仁和里 37号门"));
    assert!(finds("3", "仁和里 37号门"));
}

#[test]
fn names_are_found_by_the_initials_of_their_sounds() {
    for (typed, name) in [
        ("wf", "王芳"),
        ("WF", "王芳"),
        ("wxm", "王小明"),
        ("xm", "王小明"),
        ("cq", "重庆"),
    ] {
        assert!(finds(typed, name), "{typed} {name}");
    }
    for (typed, name) in [
        ("w", "王芳"),
        ("fw", "王芳"),
        ("wf3", "王芳3"),
        ("wf", "王 芳"),
        ("wm", "王小明"),
    ] {
        assert!(!finds(typed, name), "{typed} {name}");
    }
    let mut plain = Words::default();
    plain.add("王芳");
    assert!(
        !Search::read("wf").fits(&plain.into_set()),
        "of long texts nobody wants initials"
    );
}

#[test]
fn what_has_no_letters_asks_nothing() {
    for typed in ["", "  ", "\"", "*", "！？（）", "\u{e000}", "---"] {
        assert!(Search::read(typed).is_empty(), "{typed:?}");
        assert!(finds(typed, "王芳"));
    }
}

#[test]
fn limits_hold() {
    let long = "a".repeat(1_000);
    assert!(words(&long).iter().all(|word| word.len() == WORD_CHARS_MAX));
    assert!(finds(&long, &long));
    let many: String = (0..50_000).map(|n| format!("{n} ")).collect();
    assert_eq!(words(&many).len(), WORDS_MAX);
    let typed = "王芳".repeat(10_000);
    assert!(Search::read(&typed).0.len() < SEARCH_CHARS_MAX);
}

proptest! {
    #[test]
    fn words_hold_letters_and_digits_alone(text: String) {
        for word in words(&text) {
            let plain = word.strip_prefix(INITIALS_MARK).unwrap_or(&word);
            prop_assert!(!plain.is_empty() && plain.chars().all(char::is_alphanumeric), "{word:?}");
        }
    }

    #[test]
    fn part_of_a_text_is_found(
        text in "[a-z王芳血压门号0-9Ａ ，。]{1,40}", from in 0_usize..40, len in 1_usize..20,
    ) {
        // From the beginning of a word on, for words of letters are not found from their middle.
        let chars: Vec<char> = text.chars().collect();
        let is_inner = |at: usize| {
            let wordlike = |at: usize| chars.get(at).is_some_and(|c| c.is_alphanumeric() && !('\u{2e80}'..'\u{ff00}').contains(c));
            at > 0 && wordlike(at) && wordlike(at - 1)
        };
        prop_assume!(from < chars.len() && !is_inner(from));
        let part: String = chars.iter().skip(from).take(len).collect();
        prop_assert!(finds(&part, &text), "{part:?} in {text:?}");
    }

    #[test]
    fn signs_between_words_do_not_count(text in "[a-z王芳号0-9]{0,20}", sign in "[ ,，。*\"()^:-]{1,3}") {
        let typed = format!("{sign}{text}{sign}");
        prop_assert_eq!(Search::read(&typed), Search::read(&text));
    }
}
