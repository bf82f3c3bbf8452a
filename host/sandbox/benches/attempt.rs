//! What an attempt costs next to a bare wasmtime loop that instantiates the
//! same component, tuned the same way, and calls it.
//!
//! `cargo bench -p ringfence-sandbox`

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark measures and prints"
)]

#[path = "../tests/rig/mod.rs"]
mod rig;

use std::time::{Duration, Instant};

use rig::{Guest, Rig};
use ringfence_flow::Budgets;
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};

const ROUNDS: u32 = 5_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bare = bare().await;
        let sandboxed = sandboxed().await;
        let ratio = sandboxed.as_secs_f64() / bare.as_secs_f64();
        println!("bare wasmtime  {:>7.1} us", bare.as_secs_f64() * 1e6);
        println!(
            "attempt        {:>7.1} us  ({ratio:.2} times)",
            sandboxed.as_secs_f64() * 1e6
        );
    });
}

/// The best of five, for one round.
async fn best(mut round: impl AsyncFnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..ROUNDS / 5 {
            round().await;
        }
        best = best.min(start.elapsed() / (ROUNDS / 5));
    }
    best
}

/// Touches 20 pages, as an agent of some size does.
fn guest() -> Guest {
    Guest::new("touches")
        .pages(20)
        .define(
            "(func $touch (local $i i32)
                (loop $next
                    (i32.store (i32.add (i32.const 8192) (local.get $i)) (i32.const 1))
                    (local.set $i (i32.add (local.get $i) (i32.const 4096)))
                    (br_if $next (i32.lt_u (local.get $i) (i32.const 81920)))))",
        )
        .describe("(call $touch)")
        .execute("(call $touch)")
}

async fn bare() -> Duration {
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto)
        .total_component_instances(8)
        .total_memories(16);
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .concurrency_support(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).unwrap();
    let component = Component::new(&engine, guest().build()).unwrap();
    let linker = Linker::new(&engine);
    let linked = linker.instantiate_pre(&component).unwrap();
    let interface = component.get_export_index(None, "ringfence:agent/agent@0.1.0");
    let describe = component
        .get_export_index(interface.as_ref(), "describe")
        .unwrap();
    best(async || {
        let mut store = Store::new(&engine, ());
        store.set_fuel(10_000_000_000).unwrap();
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = linked.instantiate_async(&mut store).await.unwrap();
        let describe = instance.get_func(&mut store, describe).unwrap();
        let mut results = [Val::Bool(false)];
        describe
            .call_async(&mut store, &[], &mut results)
            .await
            .unwrap();
    })
    .await
}

async fn sandboxed() -> Duration {
    let rig = Rig::new(&[guest()]).await;
    best(async || {
        rig.run("touches", Budgets::default()).await.output();
    })
    .await
}
