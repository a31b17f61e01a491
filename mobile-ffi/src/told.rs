//! What those are told whose value of a conflict was not kept.

use sync_core::replica::Told;
use sync_core::schema::{Kind, Lang};

use crate::text;

/// The words of a comment about a record of this kind.
pub(crate) fn words(lang: Lang, kind: &Kind) -> impl Fn(&Told<'_>) -> String + '_ {
    move |told| {
        let field = kind.field(told.field);
        let field = field
            .map_or(told.field, |field| field.label(lang))
            .to_owned();
        let joint = match lang {
            Lang::Zh => "、",
            Lang::En => ", ",
        };
        let places = [("field", field), ("who", told.by.join(joint))];
        text::say(lang, "told.settled", &places)
    }
}
