//! What the machine has, and how its processors are shared.

/// Bytes of memory.
pub fn memory_bytes() -> u64 {
    let info = rustix::system::sysinfo();
    // The widths of these depend on the platform.
    #[allow(clippy::unnecessary_cast)]
    let bytes = info.totalram as u64 * u64::from(info.mem_unit);
    bytes
}

/// What a thread of the background is set to: it weighs a seventieth of an ordinary one.
const BACKGROUND_NICE: i32 = 19;

/// From here on the calling thread, and those that it starts, get a processor when others leave some of it. For work that
/// nobody waits for; it must not hold a lock that others need.
pub fn work_in_the_background() {
    // Linux does this for the thread alone, and refuses nobody who asks for less. Elsewhere it may be of no use.
    #[cfg(target_os = "linux")]
    if rustix::process::getpriority_process(None).is_ok_and(|nice| nice < BACKGROUND_NICE) {
        let _ = rustix::process::setpriority_process(None, BACKGROUND_NICE);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn the_background_is_a_threads_own() {
        let priority = || rustix::process::getpriority_process(None).expect("it can be asked for");
        let before = priority();
        let inside = std::thread::spawn(move || {
            super::work_in_the_background();
            std::thread::spawn(priority).join().unwrap()
        });
        assert_eq!((inside.join().unwrap(), priority()), (before.max(super::BACKGROUND_NICE), before));
    }

    #[test]
    fn a_machine_has_memory() {
        assert!(super::memory_bytes() > 16 << 20);
    }
}
