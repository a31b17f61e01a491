//! The public notice: what a station puts on the wall of each village for a time. Residents are not in it:
//! a matter is named only if somebody has said that anybody may know of it, and what leads to another
//! matter is counted and not named.

mod parts;

use askama::Template;
use sync_core::id::LaneId;
use sync_core::replica::Replica;
use sync_core::schema::Lang;
use sync_core::view::statistics::Question;

use self::parts::Lists;
use super::{address, filters, wanted};
use crate::account::period::Period;
use crate::console::answer::Shown;
use crate::console::assets;
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::pages::reach;
use crate::console::views::report::{Notice, NoticeVillage};
use crate::console::when::Clock;
use crate::failure::Failure;
use crate::text::Text;
use crate::values;

/// One file with all that it needs.
#[derive(Template)]
#[template(path = "notice_file.html")]
struct NoticeFile<'a> {
    t: &'a Text,
    lang: &'a str,
    css: &'a str,
    v: &'a Notice,
}

/// What a notice is made of.
struct Making<'a> {
    replica: &'a Replica,
    text: &'a Text,
    clock: &'a Clock,
    question: &'a Question,
}

/// The page, with the choice of time and village above it that is not printed.
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let wanted = wanted(replica, cx)?;
    let making = Making {
        replica,
        text: &cx.text,
        clock: &cx.clock,
        question: &wanted.question,
    };
    let filters = filters(replica, cx, &wanted);
    let page = Notice {
        up_href: address("/reports", &cx.asked.query),
        filters: filters
            .into_iter()
            .filter(|it| it.name != "person")
            .collect(),
        error: wanted.error.clone(),
        ..made(&making, wanted.period)?
    };
    let shown = Shown::new("notice", "", page);
    Ok(if wanted.error.is_empty() {
        shown
    } else {
        shown.refused()
    })
}

/// The notice as a page that needs nothing else.
pub(in crate::console) fn file(
    replica: &Replica,
    text: &Text,
    clock: &Clock,
    question: &Question,
    period: Period,
) -> Result<String, Failure> {
    let making = Making {
        replica,
        text,
        clock,
        question,
    };
    let page = NoticeFile {
        t: text,
        lang: match text.lang() {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        },
        css: assets::CSS,
        v: &made(&making, period)?,
    };
    page.render().map_err(Failure::internal)
}

fn made(making: &Making<'_>, period: Period) -> Result<Notice, Failure> {
    let Making {
        replica,
        text,
        clock,
        question,
    } = *making;
    let community = replica.title();
    let community = community.unwrap_or_else(|| text.say("word.unknown_title"));
    let mut villages = Vec::new();
    let mut lists = Lists::read(making)?;
    for space in fields::spaces(replica) {
        if question.space.is_none_or(|wanted| wanted == space) {
            villages.extend(village(making, &mut lists, space)?);
        }
    }
    let as_of = reach::as_of_at(replica, text, clock)?;
    let mut basis = vec![as_of.line];
    basis.extend(Some(as_of.missing).filter(|line| !line.is_empty()));
    basis.push(text.say("console.notice.private"));
    let (from, to) = period.days();
    let days = Period::Days(from, to).label(text);
    let today = clock.day(clock.today());
    let places = [("name", community.as_str()), ("day", &today)];
    Ok(Notice {
        title: text.with("console.notice.title", &[("period", &period.label(text))]),
        sub: format!("{community} · {days}"),
        villages,
        basis,
        issued: text.with("console.notice.issued", &places),
        ..Notice::default()
    })
}

/// One village; none if there is nothing to tell of it.
fn village(
    making: &Making<'_>,
    lists: &mut Lists,
    space: LaneId,
) -> Result<Option<NoticeVillage>, Failure> {
    let parts = lists.take(making, space)?;
    let name = making.replica.space_name(&space);
    let village = NoticeVillage {
        title: values::space_label(&name, making.text),
        parts,
    };
    Ok(Some(village).filter(|village| !village.parts.is_empty()))
}
