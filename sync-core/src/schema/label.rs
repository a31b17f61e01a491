//! The two languages of the station, and what things are called in them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A language of the user interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    /// Chinese, in simplified characters.
    Zh,
    /// English.
    En,
}

/// A language that the station does not speak.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the languages are zh and en")]
pub struct ParseLangError;

impl FromStr for Lang {
    type Err = ParseLangError;

    /// Takes a language tag (`zh`, `zh-CN`, `en`) or the name of a locale (`zh_CN.UTF-8`).
    fn from_str(text: &str) -> Result<Self, ParseLangError> {
        let language = text.split(['-', '_', '.']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") {
            Ok(Self::Zh)
        } else if language.eq_ignore_ascii_case("en") {
            Ok(Self::En)
        } else {
            Err(ParseLangError)
        }
    }
}

/// What a thing is called in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Labels {
    /// The label in one language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}
