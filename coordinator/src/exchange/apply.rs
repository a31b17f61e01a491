//! Writes what a check has planned, in pieces that are durable one by one: whoever is stopped in the
//! middle imports the file again, and only the rest is written.

use sync_core::id::RecordId;
use sync_core::replica::{Import, Moment, Replica};

use super::check::{Deed, Problem, Work, is_about_the_row};
use crate::failure::Failure;

/// So many records are begun in one transaction, or written in one turn where others wait for theirs.
pub(super) const PIECE: usize = 200;

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Records begun, in the order of their rows.
    pub(crate) begun: Vec<RecordId>,
    /// Records changed.
    pub(crate) changed: u64,
    /// Rows that the replica refused after all.
    pub(crate) problems: Vec<Problem>,
}

/// Writes the work. `progress` hears after each piece how many rows are done.
///
/// A row that is refused becomes a problem; a fault of the store ends the import, and what was written
/// before stays.
pub(crate) fn apply(
    replica: &mut Replica,
    kind: &str,
    work: &[Work],
    moment: &mut Moment<'_>,
    progress: &mut dyn FnMut(usize),
) -> Result<Applied, Failure> {
    let mut applied = Applied::default();
    let mut rest = work;
    while let Some(first) = rest.first() {
        let piece = piece_of(rest, first);
        let (these, others) = rest.split_at(piece);
        write(replica, kind, these, moment, &mut applied)?;
        rest = others;
        progress(work.len() - rest.len());
    }
    Ok(applied)
}

/// How many records can be begun together from here; a change goes alone.
fn piece_of(work: &[Work], first: &Work) -> usize {
    let Deed::Begin { space, .. } = &first.deed else {
        return 1;
    };
    let together = work.iter().take(PIECE);
    together
        .take_while(|it| matches!(&it.deed, Deed::Begin { space: other, .. } if other == space))
        .count()
}

fn write(
    replica: &mut Replica,
    kind: &str,
    piece: &[Work],
    moment: &mut Moment<'_>,
    applied: &mut Applied,
) -> Result<(), Failure> {
    let Some(first) = piece.first() else {
        return Ok(());
    };
    let written = match &first.deed {
        Deed::Change { record, edits } => {
            let edited = replica.edit(*record, edits, moment);
            edited.map(|edited| applied.changed += u64::from(edited.is_changed))
        }
        Deed::Begin { space, .. } => {
            let begun = piece.iter().filter_map(|work| match &work.deed {
                Deed::Begin { import, .. } => Some(import.clone()),
                Deed::Change { .. } => None,
            });
            let begun: Vec<Import> = begun.collect();
            let made = replica.import(kind, *space, &begun, moment);
            made.map(|made| applied.begun.extend(made))
        }
    };
    match (written.map_err(Failure::from), piece) {
        (Ok(()), _) => Ok(()),
        (Err(failure), _) if !is_about_the_row(&failure) => Err(failure),
        (Err(failure), [only]) => {
            applied.problems.push(Problem {
                row: only.row,
                line: only.line,
                column: None,
                typed: None,
                failure,
            });
            Ok(())
        }
        // One of them is refused: each by itself.
        (Err(_), many) => many
            .iter()
            .try_for_each(|one| write(replica, kind, std::slice::from_ref(one), moment, applied)),
    }
}
