//! What those are told whose value of a conflict was not kept: the same words from every page and command.

use std::collections::BTreeSet;

use sync_core::id::MemberId;
use sync_core::replica::{Replica, Settled, Told};

use crate::text::Text;
use crate::values;

/// The words of a comment about a record of this kind.
pub(crate) fn words<'t>(text: &'t Text, kind: &'t str) -> impl Fn(&Told<'_>) -> String + 't {
    move |told| {
        let field = values::field_label(kind, told.field, text);
        let who = told.by.join(&text.say("word.and"));
        text.with("console.clash.told", &[("field", &field), ("who", &who)])
    }
}

/// That they are told, by name; nothing if nobody is.
pub(crate) fn line(text: &Text, replica: &Replica, settled: &Settled) -> Option<String> {
    let names: Vec<String> = settled
        .told
        .iter()
        .map(|it| replica.member_name(it))
        .collect();
    let names = names.join(&text.say("word.and"));
    (!settled.told.is_empty()).then(|| text.with("out.told", &[("names", &names)]))
}

/// Their ids.
pub(crate) fn ids(told: &BTreeSet<MemberId>) -> Vec<String> {
    told.iter().map(ToString::to_string).collect()
}
