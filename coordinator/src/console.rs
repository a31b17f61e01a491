//! The console: the community's records in a browser, served to this computer alone.
//!
//! The way of a page: the **door** lets in what a browser of this computer asks and nobody else; **asked**
//! says who asks for what; a function of **pages** looks at the replica, in turn with everything else, and
//! gives a view; **shell** puts the frame around it; a template makes it HTML. Forms go the same way: a
//! function of pages acts on the replica, and the answer leads to a page. **news** tells open pages that
//! something has changed.
//!
//! A folder without a community asks first how to **begin**.
//!
//! Several communities may be served side by side: each has its **hall**, which shares the **porch** with
//! the others; the **house** has all of them, and a page that shows them together; **prefix** gives each
//! an address of its own.
//!
//! Pages work without script. Whatever a page does not show (personal fields that are masked) never
//! reaches its template.

mod answer;
mod asked;
mod assets;
mod begin;
mod cx;
mod difference;
mod door;
mod fields;
mod form;
mod gate;
mod hall;
mod house;
mod imports;
mod inputs;
mod news;
mod pages;
mod places;
mod porch;
mod prefix;
mod prefs;
mod proofs;
mod routes;
mod saved;
mod serve;
mod shell;
mod site;
mod tour;
mod views;
mod when;

pub(crate) use serve::{Found, Kept, run, serve};
pub(crate) use tour::Tour;

use jiff::tz::TimeZone;
use sync_core::replica::Replica;
use sync_core::view::statistics::Question;

use self::when::Clock;
use crate::account::Gathered;
use crate::account::period::Period;
use crate::failure::Failure;
use crate::place;
use crate::text::Text;

/// The report as one file that needs nothing else, to be printed or made into a PDF.
pub(crate) fn report_file(
    replica: &Replica,
    text: &Text,
    gathered: &Gathered,
    period: Period,
) -> Result<String, Failure> {
    pages::reports::paper::file(replica, text, gathered, period)
}

/// The public notice as one file that needs nothing else.
pub(crate) fn notice_file(
    replica: &Replica,
    text: &Text,
    question: &Question,
    period: Period,
) -> Result<String, Failure> {
    let clock = Clock::new(place::now(), TimeZone::system(), text.lang());
    pages::reports::notice::file(replica, text, &clock, question, period)
}
