//! The command lines that the documents show: whether the command knows what they say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::{root, run};

/// The help of each subcommand that was asked for.
type Helps = BTreeMap<Vec<String>, Option<String>>;

/// What stands behind `$ ringfence` in pages, and the command does not know.
pub(crate) fn unknown_in_commands(pages: &[impl AsRef<Path>]) -> Vec<String> {
    let mut helps = Helps::new();
    let mut unknown = Vec::new();
    for page in pages {
        let text = fs::read_to_string(page).unwrap();
        for line in text.lines() {
            let Some(command) = line.strip_prefix("$ ringfence ") else {
                continue;
            };
            for what in unknown_words(command, &mut helps) {
                unknown.push(format!("{}: `{what}` in `{line}`", page.as_ref().display()));
            }
        }
    }
    unknown
}

fn unknown_words(command: &str, helps: &mut Helps) -> Vec<String> {
    // A comment, or another command behind this one.
    let ends = [" #", " &&", " ||", " |", " >", ";"];
    let end = ends.iter().filter_map(|end| command.find(end)).min();
    let words: Vec<_> = command[..end.unwrap_or(command.len())]
        .split_whitespace()
        .collect();
    let group = ["agents", "runs", "config"].contains(&words[0]);
    let depth = if group { 2 } else { 1 };
    let subcommand: Vec<_> = words
        .iter()
        .take(depth)
        .map(|word| (*word).to_owned())
        .collect();
    let Some(help) = help(&subcommand, helps) else {
        return vec![subcommand.join(" ")];
    };
    let known: Vec<_> = help
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
        .collect();
    words[depth..]
        .iter()
        .filter(|word| word.starts_with('-') && word.len() > 1)
        .filter_map(|word| word.split('=').next())
        .filter(|flag| !known.contains(flag))
        .map(str::to_owned)
        .collect()
}

/// The help of a subcommand, if there is such a one.
fn help(subcommand: &[String], helps: &mut Helps) -> Option<String> {
    let asked = helps.entry(subcommand.to_vec());
    let help = asked.or_insert_with(|| {
        let mut args: Vec<_> = subcommand.iter().map(String::as_str).collect();
        args.push("--help");
        let ended = run(&root(), &args);
        (ended.code == Some(0)).then_some(ended.stdout)
    });
    help.clone()
}

#[test]
fn what_the_command_does_not_know_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.md");
    let text =
        "$ ringfence new a --lang js && cd a\n$ ringfence chekc a\n$ ringfence runs list --all\n";
    fs::write(&page, text).unwrap();
    let unknown = unknown_in_commands(&[&page]);
    assert_eq!(unknown.len(), 2, "{unknown:?}");
    assert!(unknown[0].contains("`chekc` in"), "{unknown:?}");
    assert!(unknown[1].contains("`--all` in"), "{unknown:?}");
}
