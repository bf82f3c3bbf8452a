//! The run goes on after nobody drove it for a while.

use std::time::Duration;

use super::instance::InstanceState;
use super::machine::Run;
use super::{Effect, InstanceRef};
use crate::{RunEventKind, StopReason, Timestamp};

/// What the end of the process that drove the run did to an instance.
#[derive(Clone, Copy)]
enum Loss {
    /// Its place in the queue is gone.
    Place,
    /// The search for an earlier result is.
    Search,
    /// An attempt is.
    Attempt,
    /// That the run inside is to stop may not have reached it.
    Word,
}

impl Run {
    pub(super) fn resumed(&mut self, now: Timestamp, away: Duration, lost: bool) {
        if self.over.is_some() {
            return self.illegal("a run was resumed that has ended");
        }
        self.emit(RunEventKind::RunResumed { away });
        self.postpone(away);
        if !lost {
            return;
        }
        // Those that go on first: the end of another may take them back.
        let (goes_on, stops) = self
            .losses()
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _)| self.told_to_stop(*at).is_none());
        let at_work: Vec<_> = stops
            .iter()
            .filter(|(_, loss)| matches!(loss, Loss::Search | Loss::Attempt))
            .map(|(at, _)| *at)
            .collect();
        for (at, loss) in goes_on.into_iter().chain(stops) {
            self.recover(now, at, loss);
        }
        // The end of one of them may have stopped another one, of which there is
        // nothing left to stop.
        self.effects
            .retain(|effect| !matches!(effect, Effect::Stop { at, .. } if at_work.contains(at)));
    }

    /// Whatever is due later is due so much later.
    fn postpone(&mut self, away: Duration) {
        self.timers.postpone(away);
        let deadlines = [&mut self.deadline, &mut self.options.outer_deadline];
        for at in deadlines.into_iter().flatten() {
            *at = at.after(away);
        }
        for active in self.nodes.iter_mut().filter_map(|node| node.active()) {
            for instance in &mut active.instances {
                instance.postpone(away);
            }
        }
    }

    fn losses(&mut self) -> Vec<(InstanceRef, Loss)> {
        let mut losses = Vec::new();
        for (task, node) in self.plan.indices().zip(&mut self.nodes) {
            let Some(active) = node.active() else {
                continue;
            };
            for (item, instance) in (0..).zip(&active.instances) {
                let loss = match instance.state {
                    InstanceState::Queued => Loss::Place,
                    InstanceState::Recalling { .. } => Loss::Search,
                    InstanceState::Running { .. } => Loss::Attempt,
                    InstanceState::Child => Loss::Word,
                    InstanceState::Idle | InstanceState::BackingOff | InstanceState::Ended(_) => {
                        continue;
                    }
                };
                losses.push((InstanceRef { task, item }, loss));
            }
        }
        losses
    }

    /// Has an instance stand where it stood before what it has lost.
    fn recover(&mut self, now: Timestamp, at: InstanceRef, loss: Loss) {
        match loss {
            Loss::Place => return self.queue(at),
            Loss::Word => return self.stop_child_again(at),
            Loss::Search => {}
            Loss::Attempt => self.lose_attempt(at),
        }
        self.running -= 1;
        match self.told_to_stop(at) {
            Some(end) => self.end_stopped(now, at, end),
            None => self.submit(now, at),
        }
    }

    fn stop_child_again(&mut self, at: InstanceRef) {
        if self.told_to_stop(at).is_some() {
            self.effects.push(Effect::StopChild {
                at,
                reason: StopReason::Cancelled,
                again: true,
            });
        }
    }

    /// An attempt never was: it will be made again under its number.
    fn lose_attempt(&mut self, at: InstanceRef) {
        let round = self.round(at);
        let Some(instance) = self.instance(at) else {
            return;
        };
        let InstanceState::Running { agent } = &instance.state else {
            return;
        };
        let (agent, attempt) = (agent.clone(), instance.attempts);
        let was_first = instance.is_first_attempt();
        instance.attempts -= 1;
        self.first_attempts -= u64::from(was_first);
        self.emit(RunEventKind::AttemptLost {
            key: at.key(&self.plan),
            agent,
            attempt,
            round,
        });
    }
}
