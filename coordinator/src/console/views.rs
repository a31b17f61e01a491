//! What pages show, ready to print: text is finished, nothing is personal that should not be shown.
//! The templates in `console/templates` say how.

pub(super) mod member;
pub(super) mod people;
pub(super) mod places;
pub(super) mod proof;
pub(super) mod record;
pub(super) mod shared;
pub(super) mod station;
pub(super) mod work;

use askama::Template;

use self::shared::Shell;
use crate::text::Text;

/// What a template makes into a page.
pub(super) trait View: Send {
    /// The page with its frame.
    fn html(&self, text: &Text, shell: &Shell) -> Result<String, askama::Error>;
}

macro_rules! view {
    ($page:ident, $view:ty, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $page<'a> {
            t: &'a Text,
            shell: &'a Shell,
            v: &'a $view,
        }

        impl View for $view {
            fn html(&self, text: &Text, shell: &Shell) -> Result<String, askama::Error> {
                let page = $page {
                    t: text,
                    shell,
                    v: self,
                };
                page.render()
            }
        }
    };
}

view!(TodayPage, work::Today, "today.html");
view!(RecordsPage, work::Records, "records.html");
view!(NewPage, work::New, "new.html");
view!(FormPage, work::Form, "form.html");
view!(ErrorPage, work::ErrorPage, "error.html");
view!(OpenPage, work::Open, "open.html");
view!(RecordPage, record::Record, "record.html");
view!(MembersPage, people::Members, "members.html");
view!(InvitePage, people::Invite, "invite.html");
view!(SyncPage, station::Sync, "sync.html");
view!(SettingsPage, station::Settings, "settings.html");
view!(MorePage, places::More, "more.html");
view!(ConfirmPage, places::Confirm, "confirm.html");
view!(MemberPage, member::Member, "member.html");
view!(DevicesPage, member::Devices, "devices.html");
view!(HeldPage, proof::Held, "held.html");
view!(AuditPage, proof::Audit, "audit.html");
