//! A member's confirmed service on paper: from when to when, then the paper to print.

use sync_core::certificate::SignedCertificate;
use sync_core::replica::{CertifyError, Moment, Replica, Service};

use super::{Open, href, open};
use crate::commands::certificate as said;
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::pages::invite::picture;
use crate::console::views::member as views;

/// The form: this year so far, unless another period was typed.
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let open = open(replica, cx)?;
    let today = cx.clock.today();
    let year = today.first_of_year().to_string();
    Ok(form_page(
        cx,
        &open,
        (&year, &today.to_string()),
        Vec::new(),
    ))
}

fn form_page(cx: &Cx, open: &Open, (from, to): (&str, &str), errors: Vec<String>) -> Shown {
    let page = views::Certificate {
        action: format!("{}/certificate", href(&open.view.id)),
        from: from.to_owned(),
        to: to.to_owned(),
        errors,
        ..page(cx, open)
    };
    Shown::new("members", "", page)
}

fn page(cx: &Cx, open: &Open) -> views::Certificate {
    views::Certificate {
        up_href: href(&open.view.id),
        up: open.name.clone(),
        title: cx.with("console.cert.of", &[("name", &open.name)]),
        ..views::Certificate::default()
    }
}

/// Signs it and shows the paper. Nothing is kept of it here: who needs it again makes it again.
pub(in crate::console) fn make(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let typed = (form.get("from").trim(), form.get("to").trim());
    let refused = |errors| Ok(Answer::Again(form_page(cx, &open, typed, errors).refused()));
    let (from, to) = match (said::day(typed.0), said::day(typed.1)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(wrong), _) | (_, Err(wrong)) => return refused(vec![cx.sentence(&wrong)]),
    };
    match replica.certify(open.id, (&from, &to), moment) {
        Ok((signed, service)) => Ok(Answer::Again(paper(cx, &open, &signed, &service)?)),
        Err(error) => {
            let uncounted = match &error {
                CertifyError::Nothing(service) => said::uncounted(&cx.text, service),
                CertifyError::Replica(_) | CertifyError::Sign(_) => Vec::new(),
            };
            let why = cx.sentence(&said::failure(error, &open.name));
            refused(std::iter::once(why).chain(uncounted).collect())
        }
    }
}

fn paper(
    cx: &Cx,
    open: &Open,
    signed: &SignedCertificate,
    service: &Service,
) -> Result<Shown, Trouble> {
    let lines = said::lines(&cx.text, signed).into_iter();
    let page = views::Certificate {
        is_paper: true,
        lines: lines
            .map(|(label, text)| views::Line { label, text })
            .collect(),
        uncounted: said::uncounted(&cx.text, service),
        qr: picture(&signed.text())?,
        text: signed.text(),
        ..page(cx, open)
    };
    Ok(Shown::new("members", "", page))
}
