//! Keeps the adapter's memory and the program's heap apart.
//!
//! The adapter keeps its state in the program's memory. It asks the program's
//! `cabi_realloc` for a place, and without one it grows the memory. A C library of
//! before 2023, such as Debian's, takes all memory that there is at its first
//! `malloc` for its heap, the adapter's part as well, and one of them overwrites
//! the other. So a program with a `malloc` is given a `cabi_realloc` that calls it.

use wasm_encoder::{Encode as _, Module, RawSection, SectionId};
use wasmtime::wasmparser::{
    BinaryReader, BinaryReaderError, FuncType, KnownCustom, Name, Parser, Payload, TypeRef, ValType,
};

/// What the adapter asks for.
const REALLOC: &str = "cabi_realloc";

/// What it is made of, by its name in the program.
const MALLOC: &str = "malloc";

/// `(func (param i32 i32 i32 i32) (result i32))`
const REALLOC_TYPE: &[u8] = b"\x60\x04\x7f\x7f\x7f\x7f\x01\x7f";

/// What is known of a program.
#[derive(Default)]
struct Program {
    types: Vec<Option<FuncType>>,
    /// The type of each function, those that are imported first.
    functions: Vec<u32>,
    malloc: Option<u32>,
    has_realloc: bool,
}

/// `module` with a `cabi_realloc`; `None` where it has one or no `malloc`.
pub(super) fn with_realloc(module: &[u8]) -> Result<Option<Vec<u8>>, BinaryReaderError> {
    let program = Program::read(module)?;
    let Some(malloc) = program.malloc.filter(|_| !program.has_realloc) else {
        return Ok(None);
    };
    let mut whole = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        let data = &module[range.start..range.end];
        let item = program.item(id, malloc);
        let longer = item.map(|item| appended(data, &item)).transpose()?;
        let data = longer.as_deref().unwrap_or(data);
        whole.section(&RawSection { id, data });
    }
    Ok(Some(whole.finish()))
}

impl Program {
    fn read(module: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut program = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        let types = group?.into_types();
                        program
                            .types
                            .extend(types.map(|ty| match ty.composite_type.inner {
                                wasmtime::wasmparser::CompositeInnerType::Func(ty) => Some(ty),
                                _ => None,
                            }));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if let TypeRef::Func(ty) = import?.ty {
                            program.functions.push(ty);
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        program.functions.push(ty?);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        program.has_realloc |= export?.name == REALLOC;
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        for name in names {
                            // Names that make no sense are none.
                            if let Ok(Name::Function(functions)) = name {
                                program.find_malloc(functions);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(program)
    }

    fn find_malloc(&mut self, names: wasmtime::wasmparser::NameMap<'_>) {
        let named = names.into_iter().flatten();
        let found = named
            .filter(|naming| naming.name == MALLOC)
            .map(|naming| naming.index)
            .find(|index| self.is_malloc(*index));
        self.malloc = self.malloc.or(found);
    }

    /// Whether the function takes a size and gives an address.
    fn is_malloc(&self, index: u32) -> bool {
        let ty = self.functions.get(index as usize);
        ty.and_then(|ty| self.types.get(*ty as usize)?.as_ref())
            .is_some_and(|ty| ty.params() == [ValType::I32] && ty.results() == [ValType::I32])
    }

    /// What is appended to the section `id` for a `cabi_realloc`.
    fn item(&self, id: u8, malloc: u32) -> Option<Vec<u8>> {
        if id == SectionId::Type as u8 {
            return Some(REALLOC_TYPE.to_vec());
        }
        if id == SectionId::Function as u8 {
            return Some(leb(self.types.len()));
        }
        if id == SectionId::Export as u8 {
            let name = [leb(REALLOC.len()).as_slice(), REALLOC.as_bytes()].concat();
            return Some([&name, b"\x00".as_slice(), &leb(self.functions.len())].concat());
        }
        (id == SectionId::Code as u8).then(|| {
            // (if (local.get 0) (then unreachable)) (call $malloc (local.get 3)):
            // the adapter asks for new places only.
            let check = b"\x00\x20\x00\x04\x40\x00\x0b".as_slice();
            let body = [check, b"\x20\x03\x10", &leb(malloc as usize), b"\x0b"].concat();
            [leb(body.len()), body].concat()
        })
    }
}

/// A section with one item more at its end. The count keeps its length where it
/// can, since debug information counts from the section's start.
fn appended(section: &[u8], item: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    let counted = section.len() - reader.bytes_remaining();
    let mut bytes = leb(count as usize + 1);
    while bytes.len() < counted {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push(0);
    }
    bytes.extend_from_slice(&section[counted..]);
    bytes.extend_from_slice(item);
    Ok(bytes)
}

/// A number as WebAssembly writes it.
fn leb(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    number.encode(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(module: &str) -> Option<String> {
        let bytes = wat::parse_str(format!("(module {module})")).unwrap();
        let whole = with_realloc(&bytes).unwrap()?;
        wasmtime::wasmparser::validate(&whole).unwrap();
        let program = Program::read(&whole).unwrap();
        assert!(program.has_realloc);
        assert_eq!(with_realloc(&whole).unwrap(), None, "it has one now");
        Some(format!(
            "{} of {}",
            program.malloc?,
            program.functions.len()
        ))
    }

    #[test]
    fn a_program_with_a_malloc_is_given_a_realloc() {
        let import = r#"(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))"#;
        let malloc =
            r#"(func $malloc (param i32) (result i32) (local.get 0)) (func (export "_start"))"#;
        assert_eq!(given(&format!("{import} {malloc}")).unwrap(), "1 of 4");
    }

    #[test]
    fn others_are_left_as_they_are() {
        for module in [
            r#"(func (export "_start"))"#,
            r#"(func $malloc (param i64) (result i32) (i32.const 0)) (func (export "_start"))"#,
            r#"(func $malloc (export "cabi_realloc") (param i32) (result i32) (local.get 0))"#,
        ] {
            assert_eq!(given(module), None, "{module}");
        }
    }

    #[test]
    fn a_count_keeps_its_length() {
        assert_eq!(appended(b"\x01a", b"b").unwrap(), b"\x02ab");
        assert_eq!(appended(b"\x81\x80\x00a", b"b").unwrap(), b"\x82\x80\x00ab");
        assert_eq!(appended(b"\x7f", b"b").unwrap(), b"\x80\x01b");
    }
}
