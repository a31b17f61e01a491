//! Parts of the roster that can be settled while the rest stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::roster::Said;
use crate::roster::book::Book;
use crate::roster::statement::{Statement, StatementId};
use crate::roster::subject::Subject;

/// What is settled again, from the same statements by the same evaluation.
#[derive(Debug, Default)]
pub(in crate::roster) struct Part {
    subjects: BTreeSet<Subject>,
    /// Statements that add to what is there and take nothing away.
    added: BTreeSet<StatementId>,
}

impl Part {
    pub(in crate::roster) fn has(&self, subject: Subject) -> bool {
        self.subjects.contains(&subject)
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        self.subjects.iter().copied()
    }

    /// Everything that it is settled by, in the order of a book.
    pub(super) fn statements<'b>(&self, book: &'b Book) -> Vec<&'b Said> {
        let added = self.added.iter().filter_map(|id| book.get(id));
        let mut said: BTreeMap<StatementId, &Said> = added.map(|said| (said.id, said)).collect();
        for about in self.subjects().flat_map(|subject| book.about(subject)) {
            said.insert(about.id, about);
            if gives_a_right(about) {
                // Who confirms a join, who takes a grant back.
                let of_source = book.about(Subject::Statement(about.id));
                said.extend(of_source.map(|said| (said.id, said)));
            }
        }
        said.into_values().collect()
    }
}

/// How far something new reaches; it only ever grows.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// With a device all that may be of the same member, with a member their devices, with both the
    /// invitations that they took up.
    pub(super) rights: Part,
    /// What follows from rights and gives none, so that it is settled once they are.
    pub(super) effects: Part,
}

impl Reach {
    /// Takes in what a new statement is about.
    pub(super) fn add_new(&mut self, book: &Book, said: &Said) {
        if matches!(said.statement, Statement::Epoch(_)) {
            self.effects.added.insert(said.id);
        } else {
            self.add_all(book, said);
        }
    }

    /// Takes in what a statement is about that has come to count otherwise.
    pub(super) fn add_all(&mut self, book: &Book, said: &Said) {
        for subject in said.subjects() {
            self.add(book, subject);
        }
    }

    pub(super) fn add(&mut self, book: &Book, subject: Subject) {
        let mut waiting = vec![subject];
        while let Some(subject) = waiting.pop() {
            if gives_no_right(subject) {
                self.effects.subjects.insert(subject);
            } else if self.rights.subjects.insert(subject) {
                let bound = book.about(subject).filter(|said| binds(subject, said));
                waiting.extend(bound.flat_map(Said::subjects));
            }
        }
    }
}

fn gives_a_right(said: &Said) -> bool {
    matches!(said.statement, Statement::Grant(_) | Statement::Join(_))
}

fn gives_no_right(subject: Subject) -> bool {
    matches!(
        subject,
        Subject::Epoch(..) | Subject::Log(_) | Subject::Erasures
    )
}

/// Whether all that the statement is about is settled together with this.
fn binds(subject: Subject, said: &Said) -> bool {
    match subject {
        Subject::Member(_) | Subject::Device(_) => matches!(
            said.statement,
            Statement::AddDevice(_) | Statement::Found(_) | Statement::Join(_)
        ),
        Subject::Statement(id) => said.id == id,
        // Who took up an invitation with others is settled again only if theirs has changed.
        Subject::Ticket(_) | Subject::Epoch(..) | Subject::Log(_) | Subject::Erasures => false,
    }
}
