//! The relay.

use rand::rngs::ChaCha8Rng;
use sync_core::id::{Arrival, DeviceId};

use super::heal::Heads;
use super::net::{ConnId, Node, Side};
use super::{Outcome, World};

#[derive(Debug)]
pub(super) struct Hub {}

impl Hub {
    pub(super) fn new(_rng: &mut ChaCha8Rng) -> Self {
        Self {}
    }

    pub(super) fn device_if_on(&self) -> Option<DeviceId> {
        None
    }

    pub(super) fn has_failed(&self) -> bool {
        false
    }

    pub(super) fn knows(&self, _device: &DeviceId) -> bool {
        false
    }
}

impl World {
    pub(super) fn hub_allows(&mut self) {}
    pub(super) fn hub_starts(&mut self) -> Outcome { Ok(()) }
    pub(super) fn kill_relay(&mut self) -> Outcome { Ok(()) }
    pub(super) fn hub_tip(&self) -> Arrival { Arrival(0) }
    pub(super) fn hub_bytes_since(&self, _after: Arrival) -> u64 { 0 }
    pub(super) fn hub_heads(&self) -> Heads { Heads::new() }
    pub(super) fn hub_equals(&self, _ends: [Node; 2]) -> Outcome { Ok(()) }
    pub(super) fn hub_check(&self) -> Outcome { Ok(()) }
    pub(super) fn hub_opened(&mut self, _id: ConnId, _from: DeviceId) -> Outcome {
        Ok(())
    }
    pub(super) fn hub_closed(&mut self, _id: ConnId) -> Outcome {
        Ok(())
    }
    pub(super) fn hub_saw(&mut self, _id: ConnId, _from: Side, _frames: &[Vec<u8>]) -> Outcome {
        Ok(())
    }
    pub(super) fn hub_takes(&mut self, _id: ConnId, _frames: &[Vec<u8>], _is_broken: bool) -> Outcome {
        Ok(())
    }
}
