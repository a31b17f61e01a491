//! What is shown of a text that is personal.

/// Stands for what is hidden.
const HIDDEN: &str = "**";

/// The first character of the whole: what leaves the house with a file that others read too.
pub(crate) fn whole(text: &str) -> String {
    hidden_after_first(text).unwrap_or_default()
}

/// The first character of each word of the first line: on a page, by which people who know the village find
/// the record, and nobody can tell which of the words is the name.
pub(crate) fn by_word(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let words = line.split_whitespace().filter_map(hidden_after_first);
    words.collect::<Vec<_>>().join(" ")
}

fn hidden_after_first(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    Some(format!("{first}{HIDDEN}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_keep_their_first_character() {
        assert_eq!(whole("王奶奶"), "王**");
        assert_eq!(whole("3"), "3**");
        assert_eq!(whole(""), "");
    }

    #[test]
    fn of_a_personal_text_only_first_characters_are_shown() {
        assert_eq!(by_word("3号门 王奶奶"), "3** 王**");
        assert_eq!(by_word("李晴莲 新村一路3号"), "李** 新**");
        assert_eq!(by_word("Granny Wang"), "G** W**");
        assert_eq!(by_word("王\n第二行"), "王**");
        assert_eq!(by_word("  "), "");
    }
}
