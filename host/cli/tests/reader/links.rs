//! Where the pages of the documents lead.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

/// README.md, and all pages below docs/.
pub(crate) fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(ending) if ending == "md" => pages.push(path),
                _ => {}
            }
        }
    }
    pages.sort();
    pages
}

/// The links of a page to files and headings that are not there.
pub(crate) fn broken_links(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let folder = page.parent().unwrap();
    targets(&text)
        .filter(|target| !target.contains("://"))
        .filter(|target| !leads_somewhere(target, page, folder))
        .map(|target| format!("{}: {target}", page.display()))
        .collect()
}

/// Where the links of a text lead, what is in fenced blocks aside.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("\n```").step_by(2);
    prose.flat_map(|prose| {
        let links = prose.split("](").skip(1);
        links.filter_map(|rest| rest.split(')').next())
    })
}

fn leads_somewhere(target: &str, page: &Path, folder: &Path) -> bool {
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (target, None),
    };
    let file = match file {
        "" => page.to_owned(),
        file => folder.join(file),
    };
    match heading {
        None => file.exists(),
        Some(heading) => fs::read_to_string(file)
            .is_ok_and(|text| text.lines().filter_map(anchor).any(|name| name == heading)),
    }
}

/// The name that a heading has in links.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let letters = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    Some(letters.collect())
}

#[test]
fn a_link_leads_to_a_file_or_a_heading() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.md");
    let text = "# A `b`, c\n[1](#a-b-c) [2](a.md#a-b-c) [3](https://x)\n```\n[no](no)\n```\n[4](b.md) [5](#d)\n";
    fs::write(&page, text).unwrap();
    let page_name = page.display();
    assert_eq!(
        broken_links(&page),
        [format!("{page_name}: b.md"), format!("{page_name}: #d")]
    );
}
