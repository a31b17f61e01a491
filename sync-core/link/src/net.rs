//! Endpoints, their limits, and how to reach another one.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    Connection, Endpoint, EndpointConfig, IdleTimeout, TokioRuntime, TransportConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use sync_core::keys::{Secret, Signer};

use crate::error::LinkError;
use crate::identity::{Expect, KeyVerifier, certified_key};

/// What both sides must speak, as TLS negotiates it.
pub const ALPN: &[u8] = b"banyan/1";
/// Most streams that the other side may have open at once; a session takes one.
pub const BIDI_STREAMS_MAX: u8 = 4;
/// How long a handshake may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// After how long a silence a connection counts as lost: longer than the longest pause of a phone, with
/// room for packets that are lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(150);

/// The shortest pause between two answers that a connection is over: after a start thousands may ask. Each is
/// smaller than what it answers.
const RESET_PAUSE: Duration = Duration::from_millis(1);

/// QUIC wants a name even though none is sent or checked.
const NO_NAME: &str = "banyan.invalid";

/// Limits of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// How often a ping keeps the way open through routers; zero: never. One side is enough.
    pub keep_alive: Duration,
    /// After how long a silence the connection counts as lost.
    pub idle_timeout: Duration,
    /// Bytes of one stream that the other side may send before we have read them.
    pub stream_window: u32,
    /// The same for all streams of a connection.
    pub connection_window: u32,
    /// Bytes that we hold because the other side has not acknowledged them.
    pub send_window: u32,
}

impl Default for Transport {
    /// What phones use: room for a fast catch-up over a slow way.
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(25),
            idle_timeout: IDLE_TIMEOUT,
            stream_window: 1024 * 1024,
            connection_window: 1024 * 1024,
            send_window: 512 * 1024,
        }
    }
}

impl Transport {
    /// What a relay uses: thousands of connections, each with little; the phones keep them alive.
    #[must_use]
    pub fn relay() -> Self {
        Self {
            keep_alive: Duration::ZERO,
            stream_window: 64 * 1024,
            connection_window: 128 * 1024,
            send_window: 128 * 1024,
            ..Self::default()
        }
    }

    /// What a member's device uses that others nearby dial: it notices soon that one has walked away.
    #[must_use]
    pub fn nearby() -> Self {
        Self {
            keep_alive: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(6),
            stream_window: 256 * 1024,
            connection_window: 256 * 1024,
            send_window: 256 * 1024,
        }
    }

    fn to_quinn(&self) -> TransportConfig {
        let mut config = TransportConfig::default();
        let idle = u32::try_from(self.idle_timeout.as_millis()).unwrap_or(u32::MAX);
        config
            .keep_alive_interval((!self.keep_alive.is_zero()).then_some(self.keep_alive))
            .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(idle))))
            .stream_receive_window(VarInt::from_u32(self.stream_window))
            .receive_window(VarInt::from_u32(self.connection_window))
            .send_window(u64::from(self.send_window))
            .max_concurrent_bidi_streams(VarInt::from_u32(u32::from(BIDI_STREAMS_MAX)))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .datagram_receive_buffer_size(None);
        config
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn keys(error: impl std::fmt::Display) -> LinkError {
    LinkError::Keys(error.to_string())
}

/// How we answer: with this device's key, to anybody who proves a key.
///
/// # Errors
/// [`LinkError::Keys`] if the cryptography cannot be set up.
pub fn server_config(
    signer: Arc<dyn Signer>,
    limits: &Transport,
) -> Result<quinn::ServerConfig, LinkError> {
    let resolver = AlwaysResolvesServerRawPublicKeys::new(certified_key(signer));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(keys)?
        .with_client_cert_verifier(Arc::new(KeyVerifier {
            expect: Expect::Any,
        }))
        .with_cert_resolver(Arc::new(resolver));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    let crypto = QuicServerConfig::try_from(tls).map_err(keys)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(limits.to_quinn()));
    Ok(config)
}

/// How we dial: with this device's key, and whose key is to answer.
///
/// # Errors
/// [`LinkError::Keys`] if the cryptography cannot be set up.
pub fn client_config(
    signer: Arc<dyn Signer>,
    expect: Expect,
    limits: &Transport,
) -> Result<quinn::ClientConfig, LinkError> {
    let resolver = AlwaysResolvesClientRawPublicKeys::new(certified_key(signer));
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(keys)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(KeyVerifier { expect }))
        .with_client_cert_resolver(Arc::new(resolver));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.enable_sni = false;
    tls.enable_early_data = false;
    tls.resumption = Resumption::disabled();
    let crypto = QuicClientConfig::try_from(tls).map_err(keys)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(limits.to_quinn()));
    Ok(config)
}

/// What a listener that was started again is known by to those who still send to the one before: it
/// answers them that their connection is over (RFC 9000, 10.3), so that they dial again at once instead of
/// after their idle timeout.
#[derive(Debug)]
pub struct Resets(Secret);

impl Resets {
    /// The same secret each time, known to this listener alone.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    fn to_quinn(&self) -> EndpointConfig {
        let secret = self.0.expose();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let mut config = EndpointConfig::new(Arc::new(key));
        // Ids of connections that were given before are told from noise by the same secret.
        let marks = secret.first_chunk().copied().map(u64::from_be_bytes);
        let marks = marks.unwrap_or_default();
        config
            .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(marks)))
            .min_reset_interval(RESET_PAUSE);
        config
    }
}

/// Opens a socket at `listen` that answers, as one that may be started again.
///
/// Must be called inside a tokio runtime.
///
/// # Errors
/// [`LinkError::InUse`] or [`LinkError::Bind`].
pub fn lasting_endpoint(
    listen: SocketAddr,
    server: quinn::ServerConfig,
    resets: &Resets,
) -> Result<Endpoint, LinkError> {
    let open = |addr| {
        let socket = UdpSocket::bind(addr)?;
        let runtime = Arc::new(TokioRuntime);
        Endpoint::new(resets.to_quinn(), Some(server), socket, runtime)
    };
    open(listen).map_err(|error| bind_error(listen, &error))
}

/// Opens a socket: at `listen`, or at any free port. With a `server` configuration it answers too.
///
/// Must be called inside a tokio runtime.
///
/// # Errors
/// [`LinkError::InUse`] or [`LinkError::Bind`].
pub fn endpoint(
    listen: Option<SocketAddr>,
    server: Option<quinn::ServerConfig>,
) -> Result<Endpoint, LinkError> {
    let open = |addr: SocketAddr| match &server {
        Some(config) => Endpoint::server(config.clone(), addr),
        None => Endpoint::client(addr),
    };
    let addr = listen.unwrap_or_else(|| SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)));
    match open(addr) {
        // A system without IPv6: any address of the other kind does as well.
        Err(_) if listen.is_none() => {
            let addr = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            open(addr).map_err(|error| bind_error(addr, &error))
        }
        result => result.map_err(|error| bind_error(addr, &error)),
    }
}

fn bind_error(addr: SocketAddr, error: &io::Error) -> LinkError {
    if error.kind() == io::ErrorKind::AddrInUse {
        return LinkError::InUse(addr);
    }
    LinkError::Bind {
        addr,
        reason: error.to_string(),
    }
}

/// Looks up `host:port`; the addresses are in the order in which to try them.
///
/// # Errors
/// [`LinkError::Address`] if the text is no address or the name is not known.
pub async fn resolve(host_port: &str) -> Result<Vec<SocketAddr>, LinkError> {
    let error = || LinkError::Address(host_port.to_owned());
    let found: Vec<_> = tokio::net::lookup_host(host_port)
        .await
        .map_err(|_| error())?
        .collect();
    if found.is_empty() {
        Err(error())
    } else {
        Ok(found)
    }
}

/// Connects and shakes hands.
///
/// # Errors
/// [`LinkError::Unreachable`] within [`CONNECT_TIMEOUT`], [`LinkError::WrongKey`], or what else failed.
pub async fn connect(
    endpoint: &Endpoint,
    addr: SocketAddr,
    config: quinn::ClientConfig,
) -> Result<Connection, LinkError> {
    let connecting = endpoint
        .connect_with(config, addr, NO_NAME)
        .map_err(|error| LinkError::starting(&error, addr))?;
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(result) => result.map_err(|error| LinkError::connecting(&error, addr)),
        Err(_) => Err(LinkError::Unreachable(addr)),
    }
}
