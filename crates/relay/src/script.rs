//! Edits as bytes: how many, then each one's distance from the end of the one before it, its deletion and the length of
//! its text, then all texts. Numbers are unsigned LEB128 of at most 32 bits.

use crate::delta::Op;

/// Bytes that are no edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable edits")]
pub struct ScriptError;

/// Writes edits, which must be in order.
#[must_use]
pub fn write(ops: &[Op<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 * ops.len() + ops.iter().map(|op| op.insert.len()).sum::<usize>() + 5);
    number(&mut out, ops.len());
    let mut at = 0;
    for op in ops {
        number(&mut out, op.start - at);
        number(&mut out, op.delete);
        number(&mut out, op.insert.len());
        at = op.start + op.delete;
    }
    ops.iter().for_each(|op| out.extend_from_slice(op.insert));
    out
}

/// Reads edits.
///
/// # Errors
/// The bytes are not exactly a list of edits.
pub fn read(bytes: &[u8]) -> Result<Vec<Op<'_>>, ScriptError> {
    let mut rest = bytes;
    let count = take_number(&mut rest)?;
    // An edit takes at least three bytes: no list is longer than what it stands in.
    if count > rest.len() / 3 {
        return Err(ScriptError);
    }
    let mut placed = Vec::with_capacity(count);
    let mut at: usize = 0;
    for _ in 0..count {
        let (gap, delete, insert) = (take_number(&mut rest)?, take_number(&mut rest)?, take_number(&mut rest)?);
        let start = at.checked_add(gap).ok_or(ScriptError)?;
        at = start.checked_add(delete).ok_or(ScriptError)?;
        placed.push((start, delete, insert));
    }
    let ops = placed.into_iter().map(|(start, delete, length)| {
        let (insert, behind) = rest.split_at_checked(length).ok_or(ScriptError)?;
        rest = behind;
        Ok(Op { start, delete, insert })
    });
    let ops = ops.collect::<Result<Vec<_>, ScriptError>>()?;
    if rest.is_empty() { Ok(ops) } else { Err(ScriptError) }
}

fn number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_number(rest: &mut &[u8]) -> Result<usize, ScriptError> {
    let mut value: u64 = 0;
    for place in 0..5 {
        let (byte, behind) = rest.split_first().ok_or(ScriptError)?;
        *rest = behind;
        value |= u64::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return u32::try_from(value).map(|value| value as usize).map_err(|_| ScriptError);
        }
    }
    Err(ScriptError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn edits_come_back(parts in proptest::collection::vec((0usize..100_000, 0usize..100_000, "[a-zé]{0,9}"), 0..20)) {
            let mut at = 0;
            let ops: Vec<Op> = parts.iter().map(|(gap, delete, insert)| {
                let op = Op { start: at + gap, delete: *delete, insert: insert.as_bytes() };
                at = op.start + delete;
                op
            }).collect();
            let written = write(&ops);
            prop_assert_eq!(read(&written).unwrap(), ops);
        }

        #[test]
        fn any_bytes_are_edits_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(ops) = read(&bytes) {
                prop_assert!(ops.windows(2).all(|pair| pair[0].start + pair[0].delete <= pair[1].start));
            }
        }
    }

    #[test]
    fn a_number_has_at_most_32_bits() {
        assert!(read(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]).is_err());
        assert!(read(&[1, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 0, 0]).is_err());
        assert!(read(&[1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0]).is_ok());
        assert!(read(&[0, 0]).is_err(), "nothing may follow");
    }
}
