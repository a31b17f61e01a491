//! Exchanges with other members' devices on the same network, without a relay.

use std::sync::Arc;

use sync_core::nearby::{SERVICE, TAG_SECONDS, TXT_KEY};
use sync_core::schema::Lang;
use sync_node::{Nearby, NearbyEvent, NearbyOptions, PeerAddress, PeerTarget};

use crate::community::Community;
use crate::error::BanyanError;
use crate::fault::{Class, Fault};
use crate::values::SyncReport;

/// A member's device that was met.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Who {
    /// The device's id.
    pub device: String,
    /// Its owner's name; a short id as long as it cannot be read.
    pub name: String,
    /// Eight digits that both screens show.
    pub phrase: String,
    /// Whether this device remembers no exchange with it: then the digits are to be compared.
    pub is_first: bool,
}

impl From<sync_node::Who> for Who {
    fn from(who: sync_node::Who) -> Self {
        Self {
            device: who.device.to_string(),
            name: who.name,
            phrase: who.phrase,
            is_first: who.is_first,
        }
    }
}

/// What happened nearby.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
#[allow(
    clippy::large_enum_variant,
    reason = "few are made, and each is soon gone"
)]
pub enum NearbyNews {
    /// An exchange with a member's device has begun.
    Met {
        /// With whom.
        who: Who,
    },
    /// Both have everything; the counts since they met.
    CaughtUp {
        /// With whom.
        who: Who,
        /// The counts.
        report: SyncReport,
    },
    /// The exchange is over.
    Parted {
        /// With whom.
        who: Who,
        /// Whether both have had everything of each other.
        is_whole: bool,
    },
    /// Somebody dialled who was not let in.
    TurnedAway {
        /// Why, as words.
        reason: String,
    },
    /// A device that was found was not reached; it is tried again by itself.
    Failed {
        /// Why, as a sentence.
        reason: String,
        /// How long until it is tried again, in milliseconds.
        retry_in_ms: u64,
    },
    /// The system does not let this device look for others; codes still work.
    Deaf {
        /// What the system said.
        reason: String,
    },
}

impl NearbyNews {
    pub(crate) fn new(event: NearbyEvent, lang: Lang) -> Self {
        match event {
            NearbyEvent::Met(who) => Self::Met { who: who.into() },
            NearbyEvent::CaughtUp { who, report } => Self::CaughtUp {
                who: who.into(),
                report: SyncReport::new(report, lang),
            },
            NearbyEvent::Parted { who, is_whole } => Self::Parted {
                who: who.into(),
                is_whole,
            },
            NearbyEvent::TurnedAway { refusal } => Self::TurnedAway {
                reason: Fault::from(refusal).sentence(lang),
            },
            NearbyEvent::Failed { error, retry_in } => Self::Failed {
                reason: Fault::from(error).sentence(lang),
                retry_in_ms: u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX),
            },
            NearbyEvent::Deaf { reason } => Self::Deaf { reason },
        }
    }
}

/// What a platform announces this device with, where it does that itself (Bonjour on iOS).
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Announcement {
    /// The service's type.
    pub service: String,
    /// The name of this device's instance of it.
    pub instance: String,
    /// The port.
    pub port: u16,
    /// The only key of the TXT record.
    pub txt_key: String,
    /// Its value.
    pub tag: String,
    /// After so many seconds, another one is to be asked for and announced.
    pub renew_after_seconds: u64,
}

/// A device that was met by its code.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Visit {
    /// With whom.
    pub who: Who,
    /// What the exchange did.
    pub report: SyncReport,
}

#[uniffi::export]
impl Community {
    /// Listens to other members' devices on this network and stays in touch with those that are found. With
    /// `uses_mdns` this library announces the device and looks for others; without, the app does, with
    /// `announcement`, `peer_found` and `peer_lost`. Returns false if it was listening already.
    ///
    /// # Errors
    /// `Invalid` for an address that is none; `Offline` if it cannot be listened on; `Closed`.
    #[uniffi::method(default(listen = None, uses_mdns = true))]
    pub async fn nearby_start(
        &self,
        listen: Option<String>,
        uses_mdns: bool,
    ) -> Result<bool, BanyanError> {
        let started = self.listen(listen, uses_mdns).await;
        started.map_err(|fault| fault.said_in(self.lang))
    }

    /// Ends what `nearby_start` began. Stopping again does nothing.
    ///
    /// # Errors
    /// `Closed`.
    pub fn nearby_stop(&self) -> Result<(), BanyanError> {
        self.node().map_err(|fault| fault.said_in(self.lang))?;
        self.news.nearby.send_replace(None);
        Ok(())
    }

    /// What to announce; none while this device does not listen.
    ///
    /// # Errors
    /// `Closed`.
    pub fn announcement(&self) -> Result<Option<Announcement>, BanyanError> {
        let announced = self.listening()?.map(|nearby| nearby.announcement());
        Ok(announced.map(|it| Announcement {
            service: SERVICE.to_owned(),
            instance: it.instance.to_string(),
            port: it.port,
            txt_key: TXT_KEY.to_owned(),
            tag: it.tag.to_string(),
            renew_after_seconds: TAG_SECONDS,
        }))
    }

    /// The platform has found a device, or the same one somewhere else. What is of no member's is passed over.
    ///
    /// # Errors
    /// `Closed`.
    pub fn peer_found(
        &self,
        instance: String,
        tag: String,
        addresses: Vec<String>,
    ) -> Result<(), BanyanError> {
        let Some(nearby) = self.listening()? else {
            return Ok(());
        };
        if let (Ok(instance), Ok(tag)) = (instance.parse(), tag.parse()) {
            let addrs = addresses.iter().filter_map(|addr| addr.parse().ok());
            nearby.found(PeerAddress {
                instance,
                tag,
                addrs: addrs.collect(),
            });
        }
        Ok(())
    }

    /// The platform finds a device no more.
    ///
    /// # Errors
    /// `Closed`.
    pub fn peer_lost(&self, instance: String) -> Result<(), BanyanError> {
        if let (Some(nearby), Ok(instance)) = (self.listening()?, instance.parse()) {
            nearby.lost(&instance);
        }
        Ok(())
    }

    /// This device's addresses and key as a text for `qr`; none while it does not listen or is on no network.
    ///
    /// # Errors
    /// `Closed`.
    pub fn peer_code(&self) -> Result<Option<String>, BanyanError> {
        let code = self.listening()?.and_then(|nearby| nearby.code());
        Ok(code.map(|code| code.to_string()))
    }

    /// Exchanges everything with a device whose code was scanned, once; with or without `nearby_start`.
    ///
    /// # Errors
    /// `Invalid` for what is no code; `Refused` if another device answers; `Offline`; `Closed`.
    #[uniffi::method(default(timeout_ms = None))]
    pub async fn meet(&self, code: String, timeout_ms: Option<u32>) -> Result<Visit, BanyanError> {
        let met = self.meet_by(&code, timeout_ms).await;
        let visit = met.map_err(|fault| fault.said_in(self.lang))?;
        Ok(Visit {
            who: visit.who.into(),
            report: SyncReport::new(visit.report, self.lang),
        })
    }
}

impl Community {
    fn listening(&self) -> Result<Option<Arc<Nearby>>, BanyanError> {
        self.node().map_err(|fault| fault.said_in(self.lang))?;
        Ok(self.news.nearby.borrow().clone())
    }

    async fn meet_by(
        &self,
        code: &str,
        timeout_ms: Option<u32>,
    ) -> Result<sync_node::Visit, Fault> {
        let peer: PeerTarget = code
            .parse()
            .map_err(|_| Fault::new(Class::Invalid, "err.peer"))?;
        let node = self.node()?;
        let visit = async move { Ok::<_, Fault>(node.sync_with_peer(&peer, None).await?) };
        self.until_stopped(timeout_ms, visit).await
    }

    async fn listen(&self, listen: Option<String>, uses_mdns: bool) -> Result<bool, Fault> {
        let node = self.node()?;
        if self.news.nearby.borrow().is_some() {
            return Ok(false);
        }
        let listen = listen
            .map(|addr| addr.parse())
            .transpose()
            .map_err(|_| Fault::new(Class::Invalid, "err.listen"))?;
        let options = NearbyOptions {
            listen,
            uses_mdns,
            shares_store: false,
        };
        let nearby = Arc::new(Nearby::start(node, options).await?);
        let began = self.news.nearby.send_if_modified(|there| {
            let is_first = there.is_none();
            if is_first {
                *there = Some(nearby);
            }
            is_first
        });
        // Closed while it began: then it must not hold the node.
        if *self.is_closing.borrow() {
            self.news.stop_all();
            return Err(Fault::closed());
        }
        Ok(began)
    }
}
