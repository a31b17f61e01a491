//! Asking a relay which erasures it has carried out.

use crate::roster::statement::StatementId;
use crate::session::{Event, Session, SessionError};
use crate::wire::erased::{AskErased, ERASED_MAX, HasErased};
use crate::wire::{Frame, Refusal};

impl Session {
    /// Asks the other side, a relay, which of these it has carried out; at most [`ERASED_MAX`].
    pub fn ask_erased(&mut self, statements: Vec<StatementId>) {
        let asked = AskErased { statements };
        self.queue.push_back(Frame::AskErased(asked));
        self.counts.round_trips += 1;
    }

    /// Answers that.
    pub fn tell_erased(&mut self, word: HasErased) {
        self.queue.push_back(Frame::HasErased(word));
    }

    pub(super) fn on_ask_erased(&self, asked: AskErased) -> Result<Vec<Event>, SessionError> {
        if asked.statements.len() > ERASED_MAX {
            return Err(SessionError::Peer(Refusal::TooLarge));
        }
        Ok(vec![Event::AskedErased(asked.statements)])
    }
}
