//! How wasmtime is set up: one configuration for whoever compiles and whoever
//! runs, and the engine with its pool of sandboxes.

use wasmtime::wasmparser::WasmFeatures;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

/// Address space that each linear memory reserves. With the guard behind it,
/// 32-bit addresses need no bounds checks. Reserving costs no memory.
const MEMORY_RESERVATION: u64 = 4 << 30;

/// Address space behind each memory that traps when touched.
const MEMORY_GUARD: u64 = 32 << 20;

/// The stack that WebAssembly may use. The guest picks the depth of its
/// recursion; past this it traps.
const WASM_STACK: usize = 512 << 10;

/// The stack of an attempt: what WebAssembly may use, and as much and more
/// for the host functions that it calls.
const ATTEMPT_STACK: usize = 2 << 20;

/// Core instances in one component. A Rust agent has 4, a Python one about 40.
pub(crate) const MAX_CORE_INSTANCES: u32 = 128;

/// Linear memories in one component.
pub(crate) const MAX_MEMORIES: u32 = 2;

/// Tables in one component.
pub(crate) const MAX_TABLES: u32 = 32;

/// Elements in one table. The guest picks the size, the host pays eight bytes
/// of address space for each in every slot of the pool.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 65_536;

/// Metadata that the host keeps for one component instance. It grows with the
/// number of functions, globals and types that the component declares.
const MAX_INSTANCE_METADATA: usize = 4 << 20;

/// Memory that stays with a slot of the pool when its sandbox is gone, zeroed.
/// The next sandbox of the same agent then takes no page faults for it.
const MEMORY_KEPT: usize = 2 << 20;

/// The same for tables.
const TABLE_KEPT: usize = 64 << 10;

/// Slots that keep their memory while nobody uses them. Bounds what an idle
/// host holds to this times what is kept for each.
const WARM_SLOTS: u32 = 32;

/// Stack frames that a trap's message can draw on.
const BACKTRACE_FRAMES: usize = 16;

/// What matters for compiled code: the features that agents may use, and how
/// they are metered. The process that compiles and the one that runs must
/// agree on it, or the code is refused as incompatible.
pub(crate) fn compile_config() -> Config {
    let mut config = Config::new();
    config
        // Metered, interruptible, and the same on every machine.
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // What agents don't need is off: each is code that an attacker could
        // reach. (Much of it is not even compiled in, see the manifest.)
        .wasm_features(unneeded_features(), false)
        .shared_memory(false)
        .concurrency_support(false)
        // The pool reserves what compiled code relies on.
        .memory_reservation(MEMORY_RESERVATION)
        .memory_reservation_for_growth(0)
        .memory_guard_size(MEMORY_GUARD)
        .guard_before_linear_memory(true)
        .memory_init_cow(true)
        .signals_based_traps(true)
        .table_lazy_init(true)
        // Traps say where.
        .generate_address_map(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES))
        .debug_info(false)
        // Not even where the environment asks for it: what debug information
        // says is read by `source_lines`, where its author cannot harm the host.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(ATTEMPT_STACK);
    config
}

fn unneeded_features() -> WasmFeatures {
    WasmFeatures::GC
        | WasmFeatures::GC_TYPES
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::THREADS
        | WasmFeatures::SHARED_EVERYTHING_THREADS
        | WasmFeatures::STACK_SWITCHING
        | WasmFeatures::MEMORY64
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::CM_ASYNC
        | WasmFeatures::CM_THREADING
        | WasmFeatures::CM_ERROR_CONTEXT
        | WasmFeatures::CM_GC
        | WasmFeatures::CM_MAP
        | WasmFeatures::CM64
        | WasmFeatures::CM_FIXED_LENGTH_LISTS
        | WasmFeatures::CM_IMPLEMENTS
}

/// The engine that runs attempts, with room for `sandboxes` at a time.
///
/// # Errors
/// Those of wasmtime, when the machine cannot reserve the address space.
pub(crate) fn pooled(sandboxes: u32) -> wasmtime::Result<Engine> {
    let mut config = compile_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(sandboxes)));
    Engine::new(&config)
}

fn pool(sandboxes: u32) -> PoolingAllocationConfig {
    // As many of each as all sandboxes could ever take together: an agent that
    // takes all it may takes nothing from others.
    let memories = sandboxes.saturating_mul(MAX_MEMORIES);
    let tables = sandboxes.saturating_mul(MAX_TABLES);
    let instances = sandboxes.saturating_mul(MAX_CORE_INSTANCES);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(sandboxes)
        .total_core_instances(instances)
        .total_memories(memories)
        .total_tables(tables)
        .total_stacks(sandboxes)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(MAX_TABLES)
        .max_memories_per_module(MAX_MEMORIES)
        .max_tables_per_module(MAX_TABLES)
        .table_elements(MAX_TABLE_ELEMENTS)
        .max_component_instance_size(MAX_INSTANCE_METADATA)
        .max_core_instance_size(MAX_INSTANCE_METADATA)
        .max_memory_size(MEMORY_RESERVATION as usize)
        .linear_memory_keep_resident(MEMORY_KEPT)
        .table_keep_resident(TABLE_KEPT)
        .max_unused_warm_slots(WARM_SLOTS)
        .pagemap_scan(Enabled::Auto);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::component::Component;

    #[test]
    fn what_agents_do_not_need_is_off() {
        let engine = Engine::new(&compile_config()).unwrap();
        let compile = |module: &str| {
            let text = format!("(component (core module {module}))");
            engine.precompile_component(&wat::parse_str(text).unwrap())
        };
        compile("(memory 1) (func (result v128) (v128.const i64x2 1 2))").unwrap();
        for module in [
            "(memory 1 1 shared)",
            "(memory i64 1)",
            "(tag)",
            "(type (struct (field i32)))",
            "(type $f (func)) (func (param (ref $f)))",
            "(type $f (func)) (type (cont $f))",
            "(func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
        ] {
            assert!(compile(module).is_err(), "{module}");
        }
    }

    #[test]
    fn code_compiled_without_a_pool_runs_in_one() {
        let binary = b"\0asm\x0d\0\x01\0";
        let compiling = Engine::new(&compile_config()).unwrap();
        let code = compiling.precompile_component(binary).unwrap();
        let running = pooled(2).unwrap();
        #[allow(unsafe_code, reason = "deserializing is what the test is about")]
        // SAFETY: the code was compiled just above.
        let component = unsafe { Component::deserialize(&running, code) };
        assert!(component.is_ok());
    }
}
