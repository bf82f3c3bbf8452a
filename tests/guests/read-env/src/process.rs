//! The clock, as fine as it gets.

#[cfg(target_family = "wasm")]
pub(crate) fn clock() -> (u64, Vec<u64>) {
    use wasip2::clocks::monotonic_clock::{now, resolution};

    let readings = (0..16).map(|_| now()).collect();
    (resolution(), readings)
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn clock() -> (u64, Vec<u64>) {
    (0, Vec::new())
}
