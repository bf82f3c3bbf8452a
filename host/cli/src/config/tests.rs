use std::fmt::Write as _;
use std::time::Duration;

use miette::{GraphicalReportHandler, GraphicalTheme};
use ringfence_flow::{ByteSize, Fuel, MountAccess};

use super::*;

fn parse(text: &str) -> Result<Config, InvalidConfig> {
    Config::parse(text, Path::new("conf/ringfence.toml"))
}

/// What a person sees of a bad file.
fn shown(text: &str) -> String {
    let error = parse(text).unwrap_err();
    let mut shown = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut shown, &error)
        .unwrap();
    for problem in error.problems() {
        writeln!(shown, "at {}:{}", problem.line(), problem.column()).unwrap();
    }
    shown
}

macro_rules! bad {
    ($($name:ident: $text:expr;)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(shown($text));
            }
        )*
    };
}

bad! {
    no_schema: "plugins = []\n";
    another_schema: "schema = 2\nanything = \"goes\"\n";
    schema_is_a_text: "schema = \"1\"\n";
    not_toml: "schema = 1\nplugins = [\"a\"\n[host\nmax-attempts = = 4\n";
    the_same_key_twice: "schema = 1\nplugins = []\nplugins = []\n";
    unknown_key_with_a_near_one: "schema = 1\nplugin = [\"plugins\"]\n";
    unknown_key_with_none_near: "schema = 1\n[host]\ncolour = true\n";
    snake_case_key: "schema = 1\n[budgets.default]\nlog_lines = 5\n";
    plugins_is_a_text: "schema = 1\nplugins = \"plugins\"\n";
    plugins_holds_a_number: "schema = 1\nplugins = [\"a\", 7, \"a\", \"\", \"~/plugins\"]\n";
    host_is_no_table: "schema = 1\nhost = \"localhost\"\n";
    number_out_of_range: "schema = 1\n[host]\nmax-attempts = 0\n[agents.linter]\ninstances = -3\n";
    number_is_a_text: "schema = 1\n[host]\nmax-attempts = \"64\"\n";
    size_without_a_unit: "schema = 1\n[budgets.default]\nmemory = \"64MB\"\noutput = 1048576\n";
    duration_and_fuel: "schema = 1\n[budgets.ceiling]\ntime = \"10 minutes\"\nfuel = \"lots\"\n";
    default_above_the_ceiling: "schema = 1\n[budgets.default]\nfuel = \"20G\"\n[budgets.ceiling]\nfuel = \"15G\"\n";
    agent_name: "schema = 1\n[agents.\"My Agent\"]\ninstances = 1\n";
    agent_is_pinned_to_no_hash: "schema = 1\n[agents.linter]\nsha256 = \"abc\"\n";
    agent_is_no_table: "schema = 1\n[agents]\nsecurity = true\n";
    mounts: "schema = 1\n[agents.security]\nmounts = [\"src\", \"src:rw\", \"out:ro\", \"./path\"]\n";
    roles: "schema = 1\n[agents.tool]\nroles = [\"Reviewer\", \"lint\", \"lint\"]\n";
    not_supported_yet: "schema = 1\n[agents.summariser]\nmodels = [\"small\"]\nhttp = [{ origin = \"https://api.example.com\" }]\nsecrets = [\"key\"]\nbudgets = { fuel = \"1G\" }\n";
    limits: "schema = 1\n[host]\nemergency-reserve = -1\n[breaker]\nthreshold = 0\nopen-for = \"0s\"\nopen = 3\n[roles.Tester]\nrate = \"10\"\n[roles.tester]\nconcurrency = 0\nrate = 10\n[agents.linter]\nrate = \"0/s\"\n";
    many_problems_at_once: "plugins = \"p\"\nhosts = 1\n[budgets.ceilings]\nfuel = 1\n[agents.a]\ninstance = 4\n[agents.b]\nmounts = \"src\"\n";
    characters_count_not_bytes: "schema = 1\nplugins = [\"größe\", 1]\n";
}

#[test]
fn the_example_is_valid_and_has_the_defaults() {
    let config = Config::parse(EXAMPLE, Path::new("ringfence.toml")).unwrap();
    let defaults = Config::default();
    assert_eq!(config.default_budgets, defaults.default_budgets);
    assert_eq!(config.ceiling, defaults.ceiling);
    assert_eq!(config.max_attempts, defaults.max_attempts);
    assert_eq!(config.emergency_reserve, defaults.emergency_reserve);
    assert_eq!(config.breaker, defaults.breaker);
    let security = &config.agents["security"];
    assert_eq!(security.instances, AgentConfig::default().instances);
    assert_eq!(security.mounts[0].access, MountAccess::ReadOnly);
    assert_eq!(security.mounts[1].access, MountAccess::ReadWrite);
    assert_eq!(config.agents["word-count"].roles[0].as_str(), "metrics");
}

#[test]
fn the_example_has_every_key() {
    let lines: Vec<_> = EXAMPLE.lines().collect();
    let has = |key: &str| {
        lines
            .iter()
            .any(|line| line.starts_with(&format!("{key} = ")))
    };
    let keys = ringfence_flow::BudgetKind::ALL.map(ringfence_flow::BudgetKind::as_str);
    let others = [
        "schema",
        "plugins",
        "max-attempts",
        "emergency-reserve",
        "cache-dir",
        "threshold",
        "open-for",
        "concurrency",
        "rate",
        "instances",
        "mounts",
        "roles",
    ];
    for key in keys.iter().chain(&others) {
        assert!(has(key), "{key}");
    }
}

#[test]
fn the_repositorys_own_file_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ringfence.toml");
    let config = Config::load(&path).unwrap();
    assert!(config.plugins[0].ends_with("target/plugins"));
    assert_eq!(config.agents.len(), 6);
    assert!(
        config
            .agents
            .values()
            .all(|agent| { agent.mounts.len() == 1 && agent.mounts[0].to_string() == "src" })
    );
}

#[test]
fn the_least_file_grants_nothing() {
    assert_eq!(parse("schema = 1").unwrap(), Config::default());
    assert!(Config::default().agents.is_empty());
}

#[test]
fn what_is_written_reaches_the_sandbox() {
    let config = parse(
        "schema = 1\n\
         plugins = [\"a\", \"/b\"]\n\
         host = { max-attempts = 8, cache-dir = \"cache\" }\n\
         [budgets]\n\
         default.time = \"1m30s\"\n\
         default.host-calls = 0x10\n\
         ceiling.fuel = \"1_0G\"\n",
    );
    assert!(config.is_err(), "fuel has no underscores");
    let config = parse(
        "schema = 1\n\
         plugins = [\"a\", \"/b\"]\n\
         host = { max-attempts = 8, cache-dir = \"cache\" }\n\
         [budgets]\n\
         default.time = \"1m30s\"\n\
         default.host-calls = 0x10\n\
         ceiling.memory = \"32MiB\"\n\
         [agents.tool]\n\
         instances = 1_0\n",
    )
    .unwrap();
    let sandbox = config.sandbox();
    assert_eq!(sandbox.plugins, [Path::new("conf/a"), Path::new("/b")]);
    assert_eq!(
        sandbox.max_sandboxes,
        8 + 4,
        "emergencies have a sandbox, too"
    );
    assert_eq!(sandbox.cache_dir.as_deref(), Some(Path::new("conf/cache")));
    assert_eq!(sandbox.defaults.time, Duration::from_secs(90));
    assert_eq!(sandbox.defaults.host_calls, 16);
    assert_eq!(sandbox.defaults.fuel, Fuel::units(10_000_000_000));
    assert_eq!(sandbox.ceiling.memory, ByteSize::mib(32));
    assert_eq!(
        sandbox.defaults.memory,
        ByteSize::mib(32),
        "a default that nobody wrote follows the ceiling"
    );
    assert_eq!(sandbox.agents["tool"].instances, 10);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let error = Config::load(Path::new("/nonexistent/ringfence.toml")).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    let dir = std::env::temp_dir();
    assert!(matches!(
        Config::load(&dir).unwrap_err(),
        ConfigError::Unreadable { .. }
    ));
}

#[test]
fn what_is_written_reaches_the_host() {
    let config = parse(
        "schema = 1\n\
         host = { max-attempts = 8, emergency-reserve = 2 }\n\
         breaker = { threshold = 3, open-for = \"5m\" }\n\
         [roles.tester]\n\
         concurrency = 2\n\
         [agents.tool]\n\
         rate = \"10/s\"\n",
    );
    let host = config.unwrap().host();
    assert_eq!((host.capacity, host.emergency_reserve), (8, 2));
    assert_eq!(
        (host.breaker.threshold, host.breaker.open_for),
        (3, Duration::from_secs(300))
    );
    assert_eq!(host.limits.roles["tester"].concurrency, Some(2));
    assert_eq!(host.limits.agents["tool"].rate, "10/s".parse().ok());
}
