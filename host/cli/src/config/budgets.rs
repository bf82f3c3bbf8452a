//! `[budgets.default]` and `[budgets.ceiling]`.

use ringfence_flow::{BudgetKind, BudgetOverrides, Budgets, parse_duration};

use super::document::{Problems, Table};

/// What the file says of budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BudgetsConfig {
    pub(super) defaults: Budgets,
    pub(super) ceiling: Budgets,
}

/// Reads `[budgets]`, where `base` holds what the file does not say.
///
/// A ceiling below the default that nobody wrote lowers that default with it;
/// a default that somebody wrote above the ceiling is a problem.
pub(super) fn read(
    root: &Table<'_, '_>,
    base: BudgetsConfig,
    problems: &mut Problems,
) -> BudgetsConfig {
    let Some(budgets) = root.table("budgets", problems) else {
        return base;
    };
    budgets.check_keys(&["default", "ceiling"], problems);
    let ceiling_table = budgets.table("ceiling", problems);
    let default_table = budgets.table("default", problems);
    let mut overrides =
        |table: &Option<Table<'_, '_>>| table.as_ref().map(|table| read_one(table, problems));
    let ceiling = overrides(&ceiling_table)
        .unwrap_or_default()
        .over(&base.ceiling);
    let written = overrides(&default_table).unwrap_or_default();
    let defaults = written.over(&base.defaults.at_most(&ceiling));

    if let Some(table) = &default_table {
        for kind in defaults.above(&ceiling) {
            let Some(value) = table.get(kind.as_str()) else {
                continue;
            };
            problems.add(
                value.span(),
                format!(
                    "the default for `{kind}` is {}, and the ceiling is {}",
                    defaults.get(kind),
                    ceiling.get(kind)
                ),
                "above the ceiling",
                format!("lower it, or raise `{kind}` in `[budgets.ceiling]`"),
            );
        }
    }
    BudgetsConfig { defaults, ceiling }
}

fn read_one(table: &Table<'_, '_>, problems: &mut Problems) -> BudgetOverrides {
    table.check_keys(&BudgetKind::ALL.map(BudgetKind::as_str), problems);
    let key = BudgetKind::as_str;
    let mut size = |kind, example| table.parsed(key(kind), example, problems);
    let memory = size(BudgetKind::Memory, "\"64MiB\"");
    let output = size(BudgetKind::Output, "\"1MiB\"");
    let artifacts = size(BudgetKind::Artifacts, "\"64MiB\"");
    let log_bytes = size(BudgetKind::LogBytes, "\"256KiB\"");
    let mut count = |kind| table.number(key(kind), 1..=u32::MAX, problems);
    let log_lines = count(BudgetKind::LogLines);
    let host_calls = count(BudgetKind::HostCalls);
    let open_resources = count(BudgetKind::OpenResources);
    BudgetOverrides {
        fuel: table.parsed(key(BudgetKind::Fuel), "\"10G\"", problems),
        time: table.parsed_with(key(BudgetKind::Time), "\"30s\"", parse_duration, problems),
        memory,
        output,
        artifacts,
        log_lines,
        log_bytes,
        host_calls,
        open_resources,
    }
}
