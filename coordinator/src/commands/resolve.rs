//! `banyan resolve`: the values that a field has at once, and which of them stands.

use serde_json::{Value, json};
use sync_core::id::{Millis, RecordId};
use sync_core::peer::moment;
use sync_core::replica::{Choice, Conflict, FieldView, Keep, Replica, ReplicaError, joint};
use sync_core::schema::{Field, StateError};

use super::App;
use crate::cli::ResolveArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::{output, place, told, values};

/// The record and the field that are asked for.
struct Asked {
    record: RecordId,
    kind: String,
    title: String,
    field: Field,
    /// Its values; none if it has no value at all.
    view: Option<FieldView>,
}

impl Asked {
    /// The values, if there are several, the shown one first.
    fn rivals(&self) -> impl Iterator<Item = &Conflict> {
        let view = self.view.iter();
        view.flat_map(|view| view.shown.iter().chain(&view.conflicts))
    }

    fn seen(&self) -> Option<&str> {
        self.view.as_ref()?.seen.as_deref()
    }

    fn places<'p>(&'p self, label: &'p str, record: &'p str) -> [(&'p str, &'p str); 3] {
        [("field", label), ("title", &self.title), ("record", record)]
    }
}

pub(super) fn run(app: &mut App, args: &ResolveArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let asked = asked(&replica, args)?;
    let keep = match args.pick {
        Some(number) => Some(Keep::One(usize::from(number).saturating_sub(1))),
        None => args.both.then_some(Keep::All),
    };
    match keep {
        Some(keep) => settle(app, &mut replica, &asked, args, keep),
        None if app.is_json => app.out.json(&as_json(&asked)),
        None => print(app, &replica, &asked),
    }
}

fn asked(replica: &Replica, args: &ResolveArgs) -> Result<Asked, Failure> {
    let record = replica.find_record(&args.record)?;
    let view = replica.show(record)?;
    let kind = values::kind(replica.schema(), &view.kind)?;
    let field = values::field(kind, &args.field);
    let field = field
        .ok_or_else(|| kind.unknown_field(&args.field))?
        .clone();
    let mut fields = view.fields.into_iter();
    Ok(Asked {
        record,
        title: view.title,
        view: fields.find(|found| found.name == field.name()),
        kind: view.kind,
        field,
    })
}

fn settle(
    app: &mut App,
    replica: &mut Replica,
    asked: &Asked,
    args: &ResolveArgs,
    keep: Keep,
) -> Result<(), Failure> {
    let label = asked.field.label(app.text.lang()).to_owned();
    let none = || Failure::new(Exit::Unknown, "err.resolve.none").with("field", &label);
    let seen = args
        .seen
        .as_deref()
        .or_else(|| asked.seen())
        .ok_or_else(none)?;
    let choice = Choice {
        field: asked.field.name(),
        seen,
        keep,
        reason: args.reason.as_deref(),
    };
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let settled = {
        let words = told::words(&app.text, &asked.kind);
        let settled = replica.settle(asked.record, &choice, &words, now);
        settled.map_err(failure)?
    };
    if app.is_json {
        return app.out.json(&json!({
            "record": asked.record.to_string(),
            "field": asked.field.name(),
            "changed": settled.is_changed,
            "told": told::ids(&settled.told),
        }));
    }
    let short = asked.record.short();
    app.say("out.resolve.done", &asked.places(&label, &short))?;
    match told::line(&app.text, replica, &settled) {
        Some(line) => app.out.line(&line),
        None => Ok(()),
    }
}

/// A reason is given to this command in its own way.
fn failure(error: ReplicaError) -> Failure {
    if let ReplicaError::State {
        kind,
        error: StateError::NoReason { to },
    } = error
    {
        return Failure::new(Exit::Unknown, "err.resolve.reason")
            .with("of_kind", kind)
            .with("to", to);
    }
    error.into()
}

fn print(app: &mut App, replica: &Replica, asked: &Asked) -> Result<(), Failure> {
    let (lookup, short) = (Lookup::of(replica), asked.record.short());
    let name = asked.field.name();
    let label = asked.field.label(app.text.lang()).to_owned();
    let Some(seen) = asked.seen() else {
        return app.say("out.resolve.none", &asked.places(&label, &short));
    };
    app.say("out.resolve.values", &asked.places(&label, &short))?;
    for (n, rival) in asked.rivals().enumerate() {
        let said = |value: &Value| {
            let value = values::shown(&asked.kind, name, value, &app.text, lookup);
            value.replace('\n', "\n      ")
        };
        let mut lines = vec![said(&rival.value)];
        if let Some(reason) = &rival.reason {
            lines.push(app.text.with("out.resolve.reason", &[("reason", reason)]));
        }
        if let Some(saw) = &rival.saw {
            let saw = said(saw);
            lines.push(app.text.with("out.resolve.saw", &[("value", &saw)]));
        }
        let when = rival
            .at
            .map_or_else(String::new, |at| output::time(Millis(at)));
        let is_shown = n == 0;
        let key = if is_shown {
            "out.resolve.shown"
        } else {
            "out.resolve.beside"
        };
        let number = (n + 1).to_string();
        let places = [("n", number.as_str()), ("when", &when), ("name", &rival.by)];
        app.out.line("")?;
        app.say(key, &places)?;
        for line in lines {
            app.out.line(&format!("      {line}"))?;
        }
    }
    app.out.line("")?;
    let places = [("record", short.as_str()), ("field", name), ("seen", seen)];
    app.say("out.resolve.next", &places)?;
    match joint(asked.field.ty()) {
        Some(_) => app.say("out.resolve.next_both", &places),
        None => Ok(()),
    }
}

fn as_json(asked: &Asked) -> Value {
    let rivals = asked.rivals().enumerate().map(|(n, rival)| {
        let mut rival = json!(rival);
        if let Some(rival) = rival.as_object_mut() {
            rival.insert("pick".to_owned(), json!(n + 1));
        }
        rival
    });
    json!({
        "record": asked.record.to_string(),
        "field": asked.field.name(),
        "seen": asked.seen(),
        "values": rivals.collect::<Vec<_>>(),
    })
}
