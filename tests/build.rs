//! Makes a type of the guests that lie in `guests`, so that whoever adds one
//! has to say what is expected of it: the match in `corpus/expected.rs` does not
//! compile otherwise.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=guests");
    let mut names = Vec::new();
    for entry in fs::read_dir("guests")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let (mut variants, mut all, mut arms) = (String::new(), String::new(), String::new());
    for name in &names {
        let variant = variant(name);
        let _ = writeln!(variants, "    /// `tests/guests/{name}`.\n    {variant},");
        let _ = writeln!(all, "        Self::{variant},");
        let _ = writeln!(arms, "            Self::{variant} => {name:?},");
    }
    let count = names.len();
    let code = format!(
        "/// A guest of the corpus.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         pub enum Guest {{\n{variants}}}\n\n\
         impl Guest {{\n\
             /// All guests.\n\
             pub const ALL: [Self; {count}] = [\n{all}    ];\n\n\
             /// Its name, and its folder's.\n\
             pub const fn name(self) -> &'static str {{\n        match self {{\n{arms}        }}\n    }}\n\
         }}\n"
    );
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo says where to"))?;
    fs::write(Path::new(&out).join("guests.rs"), code)
}

/// `bad-output` as `BadOutput`.
fn variant(name: &str) -> String {
    name.split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}
