//! What the machine has.

/// Bytes of memory.
pub fn memory_bytes() -> u64 {
    let info = rustix::system::sysinfo();
    // The widths of these depend on the platform.
    #[allow(clippy::unnecessary_cast)]
    let bytes = info.totalram as u64 * u64::from(info.mem_unit);
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_machine_has_memory() {
        assert!(super::memory_bytes() > 16 << 20);
    }
}
