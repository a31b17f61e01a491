//! Both logs keep the same contract.

use relay::log::conformance;
use relay::log::memory::MemoryLog;
use relay::log::sqlite::SqliteLog;
use sync_core::id::StoreId;

#[test]
fn memory_log_conforms() {
    for (name, fact) in conformance::ALL {
        println!("{name}");
        fact(&mut MemoryLog::new(StoreId::new([1; 16])));
    }
}

#[test]
fn sqlite_log_conforms() {
    for (name, fact) in conformance::ALL {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        fact(&mut SqliteLog::open(&folder.path().join("log")).unwrap());
        let log = SqliteLog::open(&folder.path().join("log")).unwrap();
        log.check().unwrap();
    }
}
