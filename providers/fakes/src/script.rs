//! Turns a request into what its client gets: what the service answers, changed by the fault that meets the call, and a
//! line of the log of calls.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::fault::Effect;
use crate::fault::Fault;
use crate::fault::Gate;
use crate::fault::Rules;
use crate::http::Answer;
use crate::http::Request;
use crate::operation::Operation;
use crate::operation::Protocol;
use crate::operation::Refusal;
use crate::server::Delivery;
use crate::unpoisoned;

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The action of a service of AWS, else the method, a space and the target.
    pub operation: String,
    /// The fields of its form, or the outermost ones of its JSON document as text. Of other bodies nothing.
    pub parameters: BTreeMap<String, String>,
    /// How often it reached the service: not at all where a fault came before, twice where it was duplicated.
    pub reached: u32,
    /// How many of those the service answered by a success. Count effects by this.
    pub done: u32,
    /// The status that the client was sent. Nothing where it got no answer, or not yet.
    pub status: Option<u16>,
}

/// What is to happen to calls, and what happened: the faults and the log of a fake.
#[derive(Debug, Default)]
pub struct Script {
    rules: Rules,
    gate: Gate,
    calls: Mutex<Vec<Call>>,
}

impl Script {
    /// Adds a fault. Of several for the same call the first one counts.
    pub fn fault(&self, fault: Fault) {
        self.rules.add(fault);
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.rules.clear();
    }

    /// Waits until a fault holds a call.
    ///
    /// # Panics
    /// None is held within a minute.
    pub fn wait_until_held(&self) {
        self.gate.wait_until_held();
    }

    /// Lets go of the calls that are held now.
    pub fn release(&self) {
        self.gate.release();
    }

    /// Lets go of all calls, and holds none any more.
    pub(crate) fn end(&self) {
        self.gate.open();
    }

    /// Returns all calls that were made, in the order in which they came.
    pub fn calls(&self) -> Vec<Call> {
        unpoisoned(&self.calls).clone()
    }

    /// Returns the calls of an operation.
    pub fn calls_of(&self, operation: &str) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.operation == operation);
        calls
    }

    /// Returns how often an operation was done with success: the number of its effects.
    pub fn done(&self, operation: &str) -> u32 {
        let calls = self.calls_of(operation);
        calls.iter().map(|call| call.done).sum()
    }

    /// Forgets the calls that were made.
    pub fn forget_calls(&self) {
        unpoisoned(&self.calls).clear();
    }

    /// Answers a request with what `service` says of it.
    pub(crate) fn answer(
        &self,
        request: &Request,
        service: impl Fn(&Request, &Operation) -> Answer,
    ) -> Delivery {
        let operation = Operation::of(request);
        let effect = self.rules.next(&operation.name);
        let line = Line {
            calls: &self.calls,
            number: self.begin(&operation),
        };
        let perform = |request: &Request| {
            let answer = service(request, &operation);
            line.reached(answer.status < 400);
            answer
        };
        let delivery = match &effect {
            None => Delivery::Whole(perform(request)),
            Some(effect) => match prevented(effect, operation.protocol) {
                Some(delivery) => delivery,
                None => {
                    let answer = self.carry_out(effect, request, perform);
                    delivered(effect, answer, operation.protocol)
                }
            },
        };
        line.delivered(&delivery);
        delivery
    }

    /// Does what a call asks for, when and as often as the effect says, and returns the answer when it may leave.
    fn carry_out(
        &self,
        effect: &Effect,
        request: &Request,
        perform: impl Fn(&Request) -> Answer,
    ) -> Answer {
        match effect {
            Effect::HeldBefore => {
                self.gate.hold();
                perform(request)
            }
            Effect::HeldAfter => {
                let answer = perform(request);
                self.gate.hold();
                answer
            }
            Effect::Duplicated => {
                perform(request);
                perform(request)
            }
            Effect::WithoutHeader(name) => {
                let mut less = request.clone();
                less.headers
                    .retain(|(key, _)| !key.eq_ignore_ascii_case(name));
                perform(&less)
            }
            Effect::NoAnswer
            | Effect::AnswerLost
            | Effect::ErrorAfterDone
            | Effect::Throttled
            | Effect::TokenExpired
            | Effect::Refused(..)
            | Effect::Truncated
            | Effect::Reset
            | Effect::Replaced(..) => perform(request),
        }
    }

    fn begin(&self, operation: &Operation) -> usize {
        let mut calls = unpoisoned(&self.calls);
        calls.push(Call {
            operation: operation.name.clone(),
            parameters: operation.parameters.clone(),
            reached: 0,
            done: 0,
            status: None,
        });
        calls.len() - 1
    }
}

/// Returns what leaves where nothing is done.
fn prevented(effect: &Effect, protocol: Protocol) -> Option<Delivery> {
    let refusal = match effect {
        Effect::NoAnswer => return Some(Delivery::Nothing),
        Effect::Throttled => Refusal::throttled(protocol),
        Effect::TokenExpired => Refusal::token_expired(protocol),
        Effect::Refused(status, code) => {
            Refusal::new(*status, code, "Refused by the script of the test")
        }
        Effect::AnswerLost
        | Effect::ErrorAfterDone
        | Effect::HeldBefore
        | Effect::HeldAfter
        | Effect::Duplicated
        | Effect::Truncated
        | Effect::Reset
        | Effect::WithoutHeader(_)
        | Effect::Replaced(..) => return None,
    };
    Some(Delivery::Whole(refusal.answer(protocol)))
}

/// Returns what leaves of the answer to a call that was done.
fn delivered(effect: &Effect, mut answer: Answer, protocol: Protocol) -> Delivery {
    match effect {
        Effect::AnswerLost => return Delivery::Nothing,
        Effect::Reset => return Delivery::Reset(answer),
        Effect::ErrorAfterDone => answer = Refusal::internal(protocol).answer(protocol),
        Effect::Truncated => answer.body.truncate(answer.body.len() / 2),
        Effect::Replaced(from, to) => {
            let body = String::from_utf8_lossy(&answer.body).replace(from, to);
            answer.body = body.into_bytes();
        }
        Effect::NoAnswer
        | Effect::Throttled
        | Effect::TokenExpired
        | Effect::Refused(..)
        | Effect::HeldBefore
        | Effect::HeldAfter
        | Effect::Duplicated
        | Effect::WithoutHeader(_) => {}
    }
    Delivery::Whole(answer)
}

/// A line of the log of calls. It may be gone: a test forgets the log while calls are held.
struct Line<'a> {
    calls: &'a Mutex<Vec<Call>>,
    number: usize,
}

impl Line<'_> {
    fn reached(&self, is_success: bool) {
        if let Some(call) = unpoisoned(self.calls).get_mut(self.number) {
            call.reached += 1;
            call.done += u32::from(is_success);
        }
    }

    fn delivered(&self, delivery: &Delivery) {
        let status = match delivery {
            Delivery::Whole(answer) => Some(answer.status),
            Delivery::Nothing | Delivery::Reset(_) => None,
        };
        if let Some(call) = unpoisoned(self.calls).get_mut(self.number) {
            call.status = status;
        }
    }
}
