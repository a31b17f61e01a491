//! What pages show, ready to print: text is finished, nothing is personal that should not be shown.
//! The templates in `console/templates` say how.

pub(super) mod begin;
pub(super) mod communities;
pub(super) mod duplicates;
pub(super) mod exchange;
pub(super) mod member;
pub(super) mod people;
pub(super) mod places;
pub(super) mod proof;
pub(super) mod record;
pub(super) mod report;
pub(super) mod schema;
pub(super) mod session;
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

view!(BeginPage, begin::Begin, "begin.html");
view!(TodayPage, work::Today, "today.html");
view!(RecordsPage, work::Records, "records.html");
view!(NewPage, work::New, "new.html");
view!(FormPage, work::Form, "form.html");
view!(ErrorPage, work::ErrorPage, "error.html");
view!(OpenPage, work::Open, "open.html");
view!(ErasedPage, record::Erased, "erased.html");
view!(ErasuresPage, record::Erasures, "erasures.html");
view!(RecordPage, record::Record, "record.html");
view!(MembersPage, people::Members, "members.html");
view!(InvitePage, people::Invite, "invite.html");
view!(SyncPage, station::Sync, "sync.html");
view!(SettingsPage, station::Settings, "settings.html");
view!(ReportsPage, report::Reports, "reports.html");
view!(ReportPrintPage, report::ReportPrint, "report_print.html");
view!(NoticePage, report::Notice, "notice.html");
view!(MorePage, places::More, "more.html");
view!(ConfirmPage, places::Confirm, "confirm.html");
view!(MemberPage, member::Member, "member.html");
view!(CertificatePage, member::Certificate, "certificate.html");
view!(DevicesPage, member::Devices, "devices.html");
view!(HeldPage, proof::Held, "held.html");
view!(DuplicatesPage, duplicates::Duplicates, "duplicates.html");
view!(AuditPage, proof::Audit, "audit.html");
view!(ProvingPage, proof::Proving, "proving.html");
view!(ImportPage, exchange::Import, "import.html");
view!(ExportPage, exchange::Export, "export.html");
view!(SchemaPage, schema::Schema, "schema.html");
view!(SchemaDraftPage, schema::SchemaDraft, "schema_draft.html");
view!(SchemaKindPage, schema::SchemaKind, "schema_kind.html");
view!(NoSessionPage, session::NoSession, "session_none.html");
view!(SessionPage, session::Session, "session.html");
view!(
    CommunitiesPage,
    communities::Communities,
    "communities.html"
);
