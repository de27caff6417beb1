//! Whether bytes are a page that the rest of this folder can work with. Trusts nothing: each length is checked before it
//! is used.

use super::layout::*;
use super::node::Node;

impl Node<'_> {
    /// Checks the page's invariants; the error says what is wrong.
    pub fn check(self) -> Result<(), String> {
        self.check_head()?;
        let mut extents = Vec::with_capacity(self.len());
        for at in 0..self.len() {
            let raw = self.raw(at);
            let bytes = self.check_entry(raw).ok_or_else(|| format!("entry {at} does not lie inside the heap"))?;
            extents.push((raw.offset, bytes));
        }
        let used: usize = extents.iter().map(|&(_, bytes)| bytes).sum();
        if used + self.garbage() != self.heap_end() - self.heap() {
            return Err("the heap's bytes do not add up".into());
        }
        extents.sort_unstable();
        if extents.windows(2).any(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
            return Err("two entries overlap".into());
        }
        self.check_keys()?;
        self.check_counts()
    }

    fn check_head(self) -> Result<(), String> {
        let len = self.bytes.len();
        if !(PAGE_BYTES_MIN..=PAGE_BYTES_MAX).contains(&len) {
            return Err(format!("a page of {len} bytes"));
        }
        if !self.is_formatted() {
            return Err(format!("unknown page format {}", self.bytes[FORMAT_AT]));
        }
        let (lower, upper) = self.fence_lens();
        if HEAD_BYTES + lower + upper > len {
            return Err("the fences are longer than the page".into());
        }
        let (heap, slots_end) = (self.heap(), HEAD_BYTES + self.len() * SLOT_BYTES);
        if heap < slots_end || heap > self.heap_end() || self.garbage() > self.heap_end() - heap {
            return Err("slots, heap and fences overlap".into());
        }
        let shared = common(self.lower(), self.upper().unwrap_or_default());
        if !(shared..=lower).contains(&self.prefix_len()) {
            return Err("the prefix is shorter than what the fences share, or longer than the lower one".into());
        }
        if self.bytes[LONG_PREFIX] != u8::from(self.prefix_len() > shared) {
            return Err("the prefix is not as long as it says".into());
        }
        if self.upper().is_some_and(|upper| upper <= self.lower()) {
            return Err("the fences are out of order".into());
        }
        if !self.is_leaf() && self.len() == 0 {
            return Err("an inner page without children".into());
        }
        Ok(())
    }

    /// Bytes of the entry if it lies inside the heap.
    fn check_entry(self, raw: RawSlot) -> Option<usize> {
        let end = self.heap_end();
        if raw.offset < self.heap() || raw.offset + self.entry_head() > end {
            return None;
        }
        let bytes = self.entry_bytes(raw);
        (raw.offset + bytes <= end).then_some(bytes)
    }

    fn check_keys(self) -> Result<(), String> {
        for at in 0..self.len() {
            let suffix = self.suffix(at);
            if head_of(suffix) != self.raw(at).head {
                return Err(format!("the slot of entry {at} has another key's head"));
            }
            if at > 0 && self.suffix(at - 1) >= suffix {
                return Err(format!("entries {} and {at} are out of order", at - 1));
            }
        }
        let Some(last) = self.len().checked_sub(1) else { return Ok(()) };
        if !self.is_leaf() && !self.suffix(0).is_empty() {
            return Err("the first child has a key".into());
        }
        if self.key(0).as_slice() < self.lower() || self.upper().is_some_and(|upper| self.key(last).as_slice() >= upper)
        {
            return Err("a key outside the fences".into());
        }
        if !self.is_leaf() && last > 0 && self.key(1).as_slice() <= self.lower() {
            return Err("the second child starts at the lower fence".into());
        }
        Ok(())
    }

    fn check_counts(self) -> Result<(), String> {
        let mut ghosts = 0;
        for at in 0..self.len() {
            if !self.is_leaf() {
                if self.raw(at).ghost || self.child(at) == 0 {
                    return Err(format!("entry {at} is not a child"));
                }
                continue;
            }
            let slot = self.slot(at);
            ghosts += usize::from(slot.ghost);
            if slot.hdr > self.max_hdr() {
                return Err(format!("entry {at} is newer than the page knows"));
            }
            if slot.ghost && !slot.value.is_empty() {
                return Err(format!("ghost {at} has a value"));
            }
        }
        if ghosts != self.ghosts() {
            return Err(format!("{ghosts} ghosts, the page counts {}", self.ghosts()));
        }
        Ok(())
    }
}
