//! An agent as the fleet sees it: its slots, its load and its breaker.

use std::sync::Arc;

use super::conduct::AgentConduct;
use super::lane::Lane;
use crate::{Activity, AgentProfile, Breaker, BreakerPolicy};

/// An agent with what is under way at it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) profile: Arc<AgentProfile>,
    pub(super) breaker: Breaker,
    pub(super) lane: Lane,
    pub(super) conduct: AgentConduct,
    /// Whether it was taken away; what is under way goes on.
    pub(super) is_gone: bool,
    waiting: u32,
    attempts: u64,
}

impl Member {
    /// `lane` is how many emergencies it may have beside its instances.
    pub(super) fn new(profile: Arc<AgentProfile>, policy: BreakerPolicy, lane: u32) -> Self {
        Self {
            lane: Lane::new(profile.instances, lane),
            profile,
            breaker: Breaker::new(policy),
            conduct: AgentConduct::default(),
            is_gone: false,
            waiting: 0,
            attempts: 0,
        }
    }

    /// Another version takes its place, or it comes back.
    pub(super) fn renew(&mut self, profile: Arc<AgentProfile>) {
        self.lane.resize(profile.instances);
        self.profile = profile;
        self.is_gone = false;
    }

    pub(super) fn running(&self) -> u32 {
        self.lane.under_way()
    }

    /// An attempt starts; agents that say nothing are working.
    pub(super) fn start(&mut self, is_emergency: bool) {
        self.lane.enter(is_emergency);
        self.lane.start(is_emergency);
        self.attempts += 1;
    }

    /// An attempt ends, whose last activity was `last`.
    pub(super) fn end(&mut self, last: Activity, is_emergency: bool) {
        self.lane.leave(is_emergency);
        self.waiting -= u32::from(last == Activity::Waiting);
    }

    /// An attempt moves from one activity to another.
    pub(super) fn moved(&mut self, from: Activity, to: Activity) {
        self.waiting -= u32::from(from == Activity::Waiting);
        self.waiting += u32::from(to == Activity::Waiting);
    }

    /// What the least of is chosen: the workload score (working and thinking
    /// 1, waiting 0.5, over instances), then attempts so far, then the name.
    pub(super) fn rank(&self) -> Rank<'_> {
        Rank {
            halves: 2 * self.running() - self.waiting,
            instances: self.profile.instances,
            attempts: self.attempts,
            name: self.profile.name.as_str(),
        }
    }
}

/// The order of candidates; compares the score without rounding.
#[derive(PartialEq, Eq)]
pub(super) struct Rank<'a> {
    halves: u32,
    instances: u32,
    attempts: u64,
    name: &'a str,
}

impl Ord for Rank<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let mine = u64::from(self.halves) * u64::from(other.instances);
        let theirs = u64::from(other.halves) * u64::from(self.instances);
        (mine, self.attempts, self.name).cmp(&(theirs, other.attempts, other.name))
    }
}

impl PartialOrd for Rank<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
