//! A person's own devices: what there is, one more, one less.

use std::collections::BTreeMap;

use sync_core::id::{DeviceId, MemberId};
use sync_core::replica::{DeviceView, Moment, Removal, Replica, ReplicaError};
use sync_core::roster::pairing::DeviceAnswer;

use super::confirm::{self, Question};
use super::{begin, cut, invite};
use crate::commands::device::{not_this_text, state};
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble, own_name};
use crate::console::form::Form;
use crate::console::views::begin::Waiting;
use crate::console::views::member::{Device, Devices};
use crate::failure::Failure;

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    page(replica, cx, None)
}

fn page(replica: &Replica, cx: &Cx, refused: Option<(&str, Failure)>) -> Result<Shown, Trouble> {
    let text = match replica.device_invitation() {
        Ok(invitation) => invitation.to_string(),
        Err(ReplicaError::NotYetJoined) => {
            let waiting = begin::waiting(replica, cx)?;
            let page = Devices {
                waiting,
                ..Devices::default()
            };
            return Ok(Shown::new("devices", "roster", page));
        }
        Err(error) => return Err(error.into()),
    };
    let us = replica.roster().member_id(&replica.device());
    let (typed, error) = refused.map_or_else(
        || (String::new(), String::new()),
        |(typed, failure)| (typed.to_owned(), cx.sentence(&failure)),
    );
    let page = Devices {
        is_in: true,
        waiting: Waiting::default(),
        title: cx.with("console.devices.title", &[("name", &own_name(replica))]),
        devices: us.map_or_else(Vec::new, |us| lines(replica, cx, &us)),
        qr: invite::picture(&text.to_ascii_uppercase())?,
        text,
        typed,
        has_error: !error.is_empty(),
        error,
    };
    Ok(Shown::new("devices", "roster", page))
}

/// The devices that a member has and had.
pub(super) fn lines(replica: &Replica, cx: &Cx, member: &MemberId) -> Vec<Device> {
    let roster = replica.roster();
    let own: BTreeMap<DeviceId, DeviceView> = replica
        .devices()
        .into_iter()
        .map(|device| (device.id, device))
        .collect();
    let is_us = roster.member_id(&replica.device()) == Some(*member);
    let may_cut = is_us || cut::is_above(replica, member);
    let known = roster.members().get(member).into_iter();
    let ids = known.flat_map(|known| known.devices.iter().chain(&known.removed_devices));
    ids.map(|id| {
        let other = || DeviceView {
            id: *id,
            label: None,
            is_this: false,
            is_removed: !roster.devices().contains_key(id),
            has_left: roster.has_left(id),
        };
        line(cx, &own.get(id).cloned().unwrap_or_else(other), may_cut)
    })
    .collect()
}

fn line(cx: &Cx, device: &DeviceView, may_cut: bool) -> Device {
    let (tone, state_icon) = match (device.is_removed, device.has_left) {
        (true, true) => ("", "check"),
        (true, false) => ("bad", "warn"),
        (false, _) => ("good", "check"),
    };
    let label = device.label.clone();
    let label = label.unwrap_or_else(|| device.id.short());
    Device {
        id: device.id.to_string(),
        icon: "phone".to_owned(),
        state: cx.say(state(device)),
        tone: tone.to_owned(),
        state_icon: state_icon.to_owned(),
        can_remove: may_cut && !device.is_removed && !device.is_this,
        ask: cx.with("console.device.ask", &[("label", &label)]),
        label,
    }
}

/// Adds a device by what it answered.
pub(in crate::console) fn add(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let typed = form.get("answer").trim();
    let refused = match typed.parse::<DeviceAnswer>() {
        Ok(answer) => match replica.add_device(&answer, moment) {
            Ok(_) => {
                let line = cx.with("out.device.added", &[("label", &answer.label)]);
                return Ok(Answer::done("/devices", line));
            }
            Err(error @ ReplicaError::WrongAnswer) => error.into(),
            Err(error) => return Err(error.into()),
        },
        Err(error) => not_this_text(error),
    };
    let again = page(replica, cx, Some((typed, refused)))?;
    Ok(Answer::Again(again.refused()))
}

/// Cuts off a device, of one's own or of somebody below.
pub(in crate::console) fn remove(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let device = replica.find_device(form.get("device"))?;
    let removal = Removal::Device(device);
    if !confirm::is_confirmed(form) {
        let labels = replica.devices().into_iter();
        let label = labels
            .filter(|own| own.id == device)
            .find_map(|own| own.label);
        let label = label.unwrap_or_else(|| device.short());
        let question = Question {
            section: "devices",
            title: cx.with("console.device.ask", &[("label", &label)]),
            points: vec![cx.say("console.device.cut_line")],
            yes: cx.say("console.device.cut"),
        };
        return Ok(confirm::ask(cx, form, question));
    }
    cut::cut_off(replica, moment, cx, &removal, Answer::back_of(form))
}
