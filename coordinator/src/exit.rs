//! Exit codes: one table, printed by `banyan --help`, for scripts to rely on.

use std::process::ExitCode;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done,
    /// Something that should not happen; the sentence says what.
    Internal,
    /// The command line is not one.
    Usage,
    /// The data folder holds no community, or this device has not met it yet.
    NoCommunity,
    /// No such record, space, kind, field or value.
    Unknown,
    /// The role does not suffice.
    NotAllowed,
    /// The store or the key file is damaged.
    StoreDamaged,
    /// The disk is full.
    DiskFull,
    /// Another program holds the store.
    StoreBusy,
    /// A newer version wrote the store.
    StoreNewer,
    /// No relay could be reached.
    RelayUnreachable,
    /// Another key answers than the relay's.
    WrongRelayKey,
    /// The relay refuses.
    Refused,
    /// No protocol version in common.
    NewerProtocol,
    /// The text is no ticket.
    BadTicket,
    /// A file that was to be read cannot be.
    BadFile,
    /// A trace says something impossible.
    BadTrace,
    /// The replayed text is not the one that the trace ends with.
    TraceDisagrees,
    /// The data folder holds a community already.
    NotEmpty,
    /// The system refused to read or write.
    System,
    /// The system does not let this user have a file.
    Denied,
    /// The keys are protected, and the passphrase is missing or another one.
    Passphrase,
}

impl Exit {
    /// Every way to end: number, name in JSON.
    pub(crate) const ALL: [(Self, u8, &str); 22] = [
        (Self::Done, 0, "done"),
        (Self::Internal, 1, "internal"),
        (Self::Usage, 2, "usage"),
        (Self::NoCommunity, 3, "no_community"),
        (Self::Unknown, 4, "unknown"),
        (Self::NotAllowed, 5, "not_allowed"),
        (Self::StoreDamaged, 6, "store_damaged"),
        (Self::DiskFull, 7, "disk_full"),
        (Self::StoreBusy, 8, "store_busy"),
        (Self::StoreNewer, 9, "store_newer"),
        (Self::RelayUnreachable, 10, "relay_unreachable"),
        (Self::WrongRelayKey, 11, "wrong_relay_key"),
        (Self::Refused, 12, "refused"),
        (Self::NewerProtocol, 13, "newer_protocol"),
        (Self::BadTicket, 14, "bad_ticket"),
        (Self::BadFile, 15, "bad_file"),
        (Self::BadTrace, 16, "bad_trace"),
        (Self::TraceDisagrees, 17, "trace_disagrees"),
        (Self::NotEmpty, 18, "not_empty"),
        (Self::System, 19, "system"),
        (Self::Denied, 20, "denied"),
        (Self::Passphrase, 21, "passphrase"),
    ];

    fn row(self) -> (Self, u8, &'static str) {
        let row = Self::ALL.into_iter().find(|(exit, _, _)| *exit == self);
        row.unwrap_or((Self::Internal, 1, "internal"))
    }

    /// The number that the process ends with.
    pub(crate) fn number(self) -> u8 {
        self.row().1
    }

    /// The word in JSON.
    pub(crate) fn name(self) -> &'static str {
        self.row().2
    }

    /// As the process ends.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        let numbers: BTreeSet<u8> = Exit::ALL.iter().map(|(_, number, _)| *number).collect();
        let names: BTreeSet<&str> = Exit::ALL.iter().map(|(_, _, name)| *name).collect();
        assert_eq!(numbers.len(), Exit::ALL.len());
        assert_eq!(names.len(), Exit::ALL.len());
        assert!(
            Exit::ALL
                .iter()
                .all(|(exit, number, _)| exit.number() == *number)
        );
    }
}
