//! The guide below docs/guide is true: each page is gone through in an empty folder,
//! its files written, its commands typed, and what they print compared with it.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; one that cannot run says so"
)]

mod reader;
mod support;

use std::fs;

use reader::{Tools, broken_links, go_through, pages, unknown_in_commands};
use support::root;

fn with(tools: Tools, page: &str) {
    if tools.are_there() {
        go_through(page, tools);
    }
}

#[test]
fn an_agent_in_rust() {
    with(Tools::Rust, "rust.md");
}

#[test]
fn testing() {
    with(Tools::Rust, "testing.md");
}

#[test]
fn gates() {
    with(Tools::Rust, "gates.md");
}

#[test]
fn budgets() {
    with(Tools::Rust, "budgets.md");
}

#[test]
fn the_contract() {
    with(Tools::Rust, "contract.md");
}

#[test]
fn any_program() {
    with(Tools::Clang, "programs.md");
}

#[test]
#[ignore = "slow: builds an interpreter"]
fn an_agent_in_python() {
    with(Tools::Python, "python.md");
}

#[test]
#[ignore = "slow: builds an interpreter"]
fn an_agent_in_javascript() {
    with(Tools::JavaScript, "javascript.md");
}

#[test]
fn every_page_is_in_the_index_and_is_gone_through() {
    let index = fs::read_to_string(root().join("docs/guide/README.md")).unwrap();
    let tests = include_str!("guide.rs");
    for entry in fs::read_dir(root().join("docs/guide")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            assert!(index.contains(&format!("]({name})")), "{name}");
            assert!(tests.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let broken: Vec<_> = pages().iter().flat_map(|page| broken_links(page)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_command_that_is_shown_is_known() {
    let unknown = unknown_in_commands(&pages());
    assert!(unknown.is_empty(), "{unknown:#?}");
}
