//! A step of the history taken back: a signed change like any other.

use sync_core::record::CannotUndo;
use sync_core::replica::{Moment, Replica, UndoError};

use super::super::rows;
use super::{field_label, open};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::gate::Flash;
use crate::told;

pub(in crate::console) fn undo(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let href = rows::href(&open.row);
    let words = told::words(&cx.text, &open.row.kind);
    let why = match replica.undo(open.id, form.get("change"), &words, moment) {
        Ok(done) if done.is_changed => {
            return Ok(Answer::done(href, cx.say("console.undo.done")));
        }
        Ok(_) => CannotUndo::Nothing,
        Err(UndoError::Cannot(why)) => why,
        Err(UndoError::Replica(error)) => return Err(error.into()),
    };
    let label = |field: &str| field_label(cx, &open.kind, field);
    let line = match &why {
        CannotUndo::Unknown => cx.say("console.undo.unknown"),
        CannotUndo::Beginning => cx.say("console.undo.beginning"),
        CannotUndo::Nothing => cx.say("console.undo.nothing"),
        CannotUndo::ChangedSince { field } => {
            cx.with("console.undo.changed", &[("field", &label(field))])
        }
        CannotUndo::NotBack { field } => {
            cx.with("console.undo.not_back", &[("field", &label(field))])
        }
    };
    Ok(Answer::Go {
        to: href,
        flash: Some(Flash::bad(line)),
    })
}
