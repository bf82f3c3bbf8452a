//! Reading DWARF. Runs where components are compiled, under its limits.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use addr2line::gimli::{self, Dwarf, EndianSlice, LittleEndian};
use addr2line::{Context, Frame};
use wasmtime::wasmparser::{Parser, Payload};

use super::path::SourcePath;
use super::table::{Builder, SourceFrame, SourceLines};

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// The longest name of a function or file that is kept, in bytes.
const MAX_NAME: usize = 400;

impl SourceLines {
    /// What the debug information of `component` says. One that has none, or
    /// none that can be read, has no lines.
    pub(crate) fn read(component: &[u8]) -> Self {
        let mut builder = Builder::default();
        for module in DebugInfo::of_all(component) {
            // Anybody can write anything there, and it changes nothing of what
            // the component does.
            if let Err(error) = module.add_to(&mut builder) {
                tracing::debug!(%error, "debug information cannot be read");
            }
        }
        builder.finish()
    }
}

/// The debug information of one core module.
#[derive(Default)]
struct DebugInfo<'a> {
    /// Where its code is in the file. Addresses count from there.
    code: Range<u64>,
    sections: HashMap<&'a str, &'a [u8]>,
}

impl<'a> DebugInfo<'a> {
    /// That of all modules of a component, wherever they are in it.
    fn of_all(component: &'a [u8]) -> Vec<Self> {
        let mut found = Vec::new();
        // Modules and components lie in each other.
        let mut open: Vec<Self> = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            let Ok(payload) = payload else { break };
            match payload {
                Payload::Version { .. } => open.push(Self::default()),
                Payload::CodeSectionStart { range, .. } => {
                    if let Some(module) = open.last_mut() {
                        module.code = range.start as u64..range.end as u64;
                    }
                }
                Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
                    if let Some(module) = open.last_mut() {
                        module.sections.insert(section.name(), section.data());
                    }
                }
                Payload::End(_) => found.extend(open.pop()),
                _ => {}
            }
        }
        found.retain(|module| !module.sections.is_empty());
        found
    }

    fn add_to(&self, builder: &mut Builder) -> gimli::Result<()> {
        let dwarf = Dwarf::load(|id| {
            let data = self.sections.get(id.name()).copied().unwrap_or_default();
            Ok::<_, gimli::Error>(EndianSlice::new(data, LittleEndian))
        })?;
        let folders = folders(&dwarf)?;
        let context = Context::from_dwarf(dwarf)?;
        let len = self.code.end - self.code.start;
        for (address, size, _) in context.find_location_range(0, len)? {
            // What the linker took out is said to be far away.
            if address >= len || size == 0 {
                continue;
            }
            let frames = frames(&context, address, &folders)?;
            if frames.is_empty() {
                continue;
            }
            let start = self.code.start + address;
            if !builder.add(start, start.saturating_add(size), &frames) {
                break;
            }
        }
        Ok(())
    }
}

/// The folders in which compilers were started.
fn folders(dwarf: &Dwarf<Slice<'_>>) -> gimli::Result<Vec<String>> {
    let mut folders = BTreeSet::new();
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        if let Some(folder) = unit.comp_dir {
            folders.insert(folder.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(folders.into_iter().collect())
}

/// The frames of the instruction at `address`, without those of the standard
/// library: its lines tell an author nothing, and its functions have their names
/// in the code.
fn frames(
    context: &Context<Slice<'_>>,
    address: u64,
    folders: &[String],
) -> gimli::Result<Vec<SourceFrame>> {
    let mut all = Vec::new();
    let mut found = context.find_frames(address).skip_all_loads()?;
    while let Some(frame) = found.next()? {
        all.extend(source_frame(&frame, folders));
    }
    Ok(all)
}

/// `None` for one of the standard library.
fn source_frame(frame: &Frame<'_, Slice<'_>>, folders: &[String]) -> Option<SourceFrame> {
    let name = frame.function.as_ref().and_then(|f| f.raw_name().ok());
    let location = frame.location.as_ref();
    let path = location
        .and_then(|location| location.file)
        .map(|file| SourcePath::new(file, folders));
    if path.as_ref().is_some_and(|path| path.is_std) {
        return None;
    }
    Some(SourceFrame {
        function: name.map(|name| shortened(&name).to_owned()),
        file: path.map(|path| shortened(&path.text).to_owned()),
        // The compiler's line 0 is code that belongs to no line.
        line: location
            .and_then(|location| location.line)
            .filter(|line| *line > 0),
    })
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_NAME)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_without_debug_information_has_no_lines() {
        let component = wat::parse_str("(component (core module (func nop)))").unwrap();
        assert_eq!(SourceLines::read(&component), SourceLines::default());
    }

    #[test]
    fn debug_information_that_makes_no_sense_is_no_lines() {
        let mut state = 0x9e37_79b9_u32;
        for len in 0..400 {
            let noise: String = (0..len)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    format!("\\{:02x}", state as u8)
                })
                .collect();
            let sections: String = [".debug_info", ".debug_line", ".debug_abbrev", ".debug_str"]
                .map(|name| format!("(@custom \"{name}\" \"{noise}\")"))
                .concat();
            let component =
                wat::parse_str(format!("(component (core module (func nop) {sections}))"));
            SourceLines::read(&component.unwrap());
        }
    }
}
