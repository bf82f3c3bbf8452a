//! The standard agent of the role `quality-gate`: weighs findings against
//! thresholds, and approves or sends the work back.
//!
//! The findings are those of all tasks that this one needs, each once. Those
//! that the developer's patch mends, and those of ignored rules, don't count.
//! A rejection lists what is to be mended, the worst first, and then what the
//! rejection before asked for and the patch mends. That is told again since
//! feedback holds only what the round before had to say, so the developer
//! would leave it out.

mod tally;
mod thresholds;

use std::collections::{BTreeMap, BTreeSet};

use ringfence_sdk::prelude::*;

pub use thresholds::Input;

use tally::{Tally, counts, tally};

/// The most findings that a rejection lists; its reason counts all.
pub const MAX_LISTED: usize = 200;

/// The most bytes of the findings that a rejection lists: their messages and
/// fixes are as long as whoever sent them likes, and the whole output has to
/// fit into 1 MiB.
const MAX_LISTED_BYTES: usize = 512 * 1024;

/// What the gate says of work that it lets through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// `approved`; the other verdict is a rejection.
    pub verdict: &'static str,
    /// How many findings of each severity remain.
    pub counts: BTreeMap<Severity, u64>,
    /// How many findings the developer's patch mends.
    pub fixed: u64,
    /// How many findings remain.
    pub remaining: u64,
    /// How many findings are of ignored rules.
    pub ignored: u64,
    /// What the findings that remain weigh together.
    pub weight: u64,
}

/// The quality gate.
#[derive(Debug)]
pub struct QualityGate;

impl Agent for QualityGate {
    type Input = Option<Input>;
    type Output = Approval;

    fn describe() -> Description {
        Description::new(
            "quality-gate",
            env!("CARGO_PKG_VERSION"),
            "weighs findings against thresholds and approves or sends the work back",
        )
        .role("quality-gate")
    }

    fn execute(input: Option<Input>, cx: &Context) -> Result<Outcome<Approval>, Failure> {
        let input = input.unwrap_or_default();
        input.check()?;
        let needs = &cx.task().needs;
        let rules: BTreeSet<&str> = needs
            .iter()
            .flat_map(|need| &need.findings)
            .map(|finding| finding.rule.as_str())
            .collect();
        for rule in &input.ignore_rules {
            if !rules.contains(rule.as_str()) {
                cx.log()
                    .with("rule", rule)
                    .info("no finding is of this ignored rule");
            }
        }
        let tally = tally(needs, &cx.task().feedback, &input.ignore_rules)?;
        Ok(weigh(&tally, &input))
    }
}

/// Approves, or says what is to be mended.
fn weigh(tally: &Tally<'_>, input: &Input) -> Outcome<Approval> {
    let counts = counts(&tally.remaining);
    let weight = counts.iter().fold(0_u64, |sum, (severity, count)| {
        sum.saturating_add(input.weight(*severity).saturating_mul(*count))
    });
    let mut excess = Vec::new();
    let mut is_to_mend = [false; Severity::ALL.len()];
    for (severity, count) in counts.iter().rev() {
        if let Some(allowed) = input.allowed(*severity)
            && *count > allowed
        {
            excess.push(format!(
                "{} ({allowed} allowed)",
                findings(*count, severity.as_str())
            ));
            is_to_mend[*severity as usize] = true;
        }
    }
    if let Some(most) = input.max_weight
        && weight > most
    {
        excess.push(format!("a weight of {weight} ({most} allowed)"));
        for severity in Severity::ALL {
            is_to_mend[severity as usize] |= input.weight(severity) > 0;
        }
    }
    if excess.is_empty() {
        return Outcome::completed(Approval {
            verdict: "approved",
            counts,
            fixed: tally.fixed,
            remaining: tally.remaining.len() as u64,
            ignored: tally.ignored,
            weight,
        });
    }
    let to_mend = tally
        .remaining
        .iter()
        .filter(|f| is_to_mend[f.severity as usize]);
    let total = to_mend.clone().count();
    let to_mend = listed(to_mend.copied());
    let mut reason = format!("too much is left to be mended: {}", excess.join(", "));
    if tally.fixed > 0 {
        reason.push_str(&format!("; the patch mends {}", findings(tally.fixed, "")));
    }
    if to_mend.len() < total {
        reason.push_str(&format!("; {} of {total} are listed", to_mend.len()));
    }
    let told = to_mend.into_iter().chain(tally.kept.iter().copied());
    Outcome::rejected(reason).with_findings(listed(told).into_iter().cloned())
}

/// As many findings as fit, from the first one on.
fn listed<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut room = MAX_LISTED_BYTES;
    findings
        .filter(|finding| {
            let size = serde_json::to_string(finding).map_or(usize::MAX, |json| json.len());
            let fits = size <= room;
            room -= if fits { size } else { 0 };
            fits
        })
        .take(MAX_LISTED)
        .collect()
}

fn findings(count: u64, severity: &str) -> String {
    let noun = if count == 1 { "finding" } else { "findings" };
    if severity.is_empty() {
        format!("{count} {noun}")
    } else {
        format!("{count} {severity} {noun}")
    }
}

ringfence_sdk::register!(QualityGate);

#[cfg(test)]
mod tests;
