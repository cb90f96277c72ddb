//! Variable-length integers of RFC 9000, section 16, in their shortest form only.

/// Largest value that a varint can carry: 62 bits.
pub const MAX: u64 = (1 << 62) - 1;

/// Appends `value`; values above [`MAX`] are written as [`MAX`], which no field of ours reaches.
pub fn put(out: &mut Vec<u8>, value: u64) {
    let value = value.min(MAX);
    match len(value) {
        1 => out.push(value as u8),
        2 => out.extend_from_slice(&(value as u16 | 0x4000).to_be_bytes()),
        4 => out.extend_from_slice(&(value as u32 | 0x8000_0000).to_be_bytes()),
        _ => out.extend_from_slice(&(value | 0xc000_0000_0000_0000).to_be_bytes()),
    }
}

/// Returns how many bytes [`put`] appends: 1, 2, 4 or 8.
#[must_use]
pub const fn len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}
