//! Pages that say why there is no other page, and the one that lets in.

use axum::http::StatusCode;

use crate::console::answer::Shown;
use crate::console::cx::Cx;
use crate::console::views::work::{ErrorPage, Open};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

fn page(view: ErrorPage) -> Shown {
    Shown::new("", "", view)
}

/// There is no such page or record.
pub(in crate::console) fn missing(cx: &Cx) -> Shown {
    page(ErrorPage {
        icon: "search".to_owned(),
        title: cx.say("console.error.404"),
        lead: cx.say("console.error.404_lead"),
        href: "/records".to_owned(),
        link: cx.say("console.nav.records"),
        code: "404".to_owned(),
        ..ErrorPage::default()
    })
}

/// A form that was not sent from a page of this visit.
pub(in crate::console) fn stale(cx: &Cx) -> Shown {
    page(ErrorPage {
        icon: "clock".to_owned(),
        title: cx.say("console.error.csrf"),
        lead: cx.say("console.error.csrf_lead"),
        href: "/".to_owned(),
        link: cx.say("console.nav.today"),
        code: "403".to_owned(),
        ..ErrorPage::default()
    })
}

/// Something failed.
pub(in crate::console) fn failed(cx: &Cx, failure: &Failure) -> Shown {
    let exit = failure.exit();
    let is_full = exit == Exit::DiskFull;
    let steps = if is_full {
        vec![
            cx.say("console.error.store_1"),
            cx.say("console.error.store_2"),
        ]
    } else {
        Vec::new()
    };
    let title = if exit == Exit::NotAllowed {
        cx.say("console.error.403")
    } else {
        cx.say("console.error.failed")
    };
    page(ErrorPage {
        icon: "warn".to_owned(),
        title,
        lead: cx.sentence(failure),
        has_steps: is_full,
        steps,
        href: "/".to_owned(),
        link: cx.say("console.nav.today"),
        code: exit.number().to_string(),
        ..ErrorPage::default()
    })
}

/// A choice that could not be kept.
pub(in crate::console) fn not_kept(text: &Text, failure: &Failure) -> Shown {
    let mut shown = page(ErrorPage {
        icon: "warn".to_owned(),
        title: text.say("console.error.failed"),
        lead: failure.sentence(text).unwrap_or_default(),
        href: "/settings".to_owned(),
        link: text.say("console.nav.settings"),
        code: failure.exit().number().to_string(),
        ..ErrorPage::default()
    });
    shown.status = StatusCode::INTERNAL_SERVER_ERROR;
    shown
}

/// The link is good: a button goes in.
pub(in crate::console) fn open(text: &Text, community: &str, link: String) -> Shown {
    let open = Open {
        title: text.say("console.open.title"),
        lead: text.with("console.open.lead", &[("community", community)]),
        is_good: true,
        link,
        foot: text.say("console.open.foot"),
        ..Open::default()
    };
    Shown::new("", "", open)
}

/// Without a good link or the cookie that it gives nobody comes in.
pub(in crate::console) fn closed(text: &Text) -> Shown {
    let steps = [
        "console.open.old1",
        "console.open.old2",
        "console.open.old3",
    ];
    let closed = Open {
        title: text.say("console.open.old"),
        lead: text.say("console.open.old_lead"),
        steps: steps.map(|key| text.say(key)).into(),
        foot: text.say("console.open.foot"),
        ..Open::default()
    };
    let mut shown = Shown::new("", "", closed);
    shown.status = StatusCode::GONE;
    shown
}
