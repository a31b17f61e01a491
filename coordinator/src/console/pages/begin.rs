//! How a folder without a community begins, and what a further device shows until it is added.

use std::path::Path;

use sync_core::replica::Replica;

use super::invite;
use crate::console::answer::Shown;
use crate::console::begin::answer_in;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::views::begin::{Begin, Line, Waiting};
use crate::failure::Failure;

pub(in crate::console) fn view(
    cx: &Cx,
    dir: &Path,
    form: &Form,
    refused: Option<(&'static str, Failure)>,
) -> Shown {
    let (field, error) = match &refused {
        Some((field, failure)) => (*field, cx.sentence(failure)),
        None => ("", String::new()),
    };
    let line = |name: &str| Line {
        typed: form.get(name).to_owned(),
        has_error: refused.is_some() && field == name,
        error: error.clone(),
    };
    let path = dir.display().to_string();
    let page = Begin {
        lead: cx.with("console.begin.lead", &[("path", &path)]),
        ticket: line("ticket"),
        name: line("name"),
        text: line("text"),
        label: line("label"),
        has_error: refused.is_some() && field.is_empty(),
        error: error.clone(),
    };
    let shown = Shown::new("", "", page);
    if refused.is_some() {
        shown.refused()
    } else {
        shown
    }
}

/// What a further device shows to be added; nothing once it belongs.
pub(super) fn waiting(replica: &Replica, cx: &Cx) -> Result<Waiting, Trouble> {
    let is_in = replica.roster().devices().contains_key(&replica.device());
    let answer = cx.dir.as_deref().filter(|_| !is_in).and_then(answer_in);
    let Some(text) = answer else {
        return Ok(Waiting::default());
    };
    Ok(Waiting {
        is_there: true,
        qr: invite::picture(&text.to_ascii_uppercase())?,
        text,
    })
}
