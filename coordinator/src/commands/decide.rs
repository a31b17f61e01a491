//! `banyan release` and `banyan discard`: what becomes of entries that came after their author was cut off.

use serde_json::json;
use sync_core::peer::moment;
use sync_core::replica::HeldOf;

use super::App;
use crate::cli::DecideArgs;
use crate::failure::Failure;
use crate::output::thousands;
use crate::place;
use crate::text::Text;

/// Lets them in (`is_final` not set) or leaves them out for good.
pub(super) fn run(app: &mut App, args: &DecideArgs, is_final: bool) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let which = match (&args.record, &args.device) {
        (Some(record), _) => HeldOf::Record(replica.find_held_record(record)?),
        (None, Some(device)) => HeldOf::Device(replica.find_device(device)?),
        (None, None) => HeldOf::All,
    };
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let done = if is_final {
        replica.discard(&which, now)?
    } else {
        replica.release(&which, now)?
    };
    let (records, merged) = (done.changed.len() as u64, done.tally.merged);
    if app.is_json {
        return app
            .out
            .json(&json!({ "records": records, "merged": merged }));
    }
    let line = said(&app.text, is_final, merged);
    app.out.line(&line)
}

/// What has become of them.
pub(crate) fn said(text: &Text, is_final: bool, merged: u64) -> String {
    let key = if is_final {
        "out.discard.done"
    } else {
        "out.release.done"
    };
    text.with(key, &[("merged", &thousands(merged))])
}
