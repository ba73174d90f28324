//! What travels on the wire, in both directions and on both transports: records of a kind, a length and a content.
//!
//! One byte kind, four bytes length (big-endian), then so many bytes. A POST carries one record up and a sequence of them
//! down; on a WebSocket every binary message is one record.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes in front of the content.
pub const HEADER: usize = 5;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Up: a request with its body or what changed of it, see [`crate::request`].
    Exchange,
    /// Up: the client has no use for the answer any more. JSON [`crate::message::Named`].
    Cancel,
    /// Up: the client can take more of the answer. JSON [`crate::message::Credit`]. Only on a WebSocket.
    Credit,
    /// Up: the rest of an answer, please. JSON [`crate::message::Resume`].
    Resume,
    /// Up and down: who is there, in which version. JSON [`crate::message::Hello`] and [`crate::message::Welcome`].
    Hello,
    /// Down: status and headers of the vendor's answer. JSON [`crate::message::AnswerHead`].
    Head,
    /// Down: bytes of the vendor's answer.
    Data,
    /// Down: the vendor's answer is complete. JSON [`crate::message::AnswerEnd`].
    End,
    /// Down: the relay, not the vendor, has failed. JSON [`crate::message::Problem`].
    Problem,
    /// Up and down: somebody is there. Empty. Not part of what is counted when an answer is resumed.
    Alive,
    /// Down: an exchange or a resumption has been taken, its answer follows. Empty, not counted. Only on a WebSocket: on
    /// HTTP the status 200 says it.
    Taken,
}

const KINDS: [(u8, Kind); 11] = [
    (0x01, Kind::Exchange),
    (0x02, Kind::Cancel),
    (0x03, Kind::Credit),
    (0x04, Kind::Resume),
    (0x05, Kind::Hello),
    (0x10, Kind::Head),
    (0x11, Kind::Data),
    (0x12, Kind::End),
    (0x13, Kind::Problem),
    (0x14, Kind::Alive),
    (0x15, Kind::Taken),
];

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// Its content.
    pub content: Bytes,
}

/// Bytes that are no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A kind that is not known.
    #[error("a record of an unknown kind")]
    Kind,
    /// Longer than the reader takes.
    #[error("a record that is too long")]
    TooLong,
    /// The bytes end inside a record, or go on behind the only one.
    #[error("a record of another length than it states")]
    Length,
}

impl Record {
    /// A record.
    #[must_use]
    pub fn new(kind: Kind, content: impl Into<Bytes>) -> Self {
        Self { kind, content: content.into() }
    }

    /// What stands in front of the content.
    #[must_use]
    pub fn header(&self) -> [u8; HEADER] {
        let code = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or(0, |(code, _)| *code);
        let length = u32::try_from(self.content.len()).unwrap_or(u32::MAX).to_be_bytes();
        [code, length[0], length[1], length[2], length[3]]
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn wire_len(&self) -> u64 {
        (HEADER + self.content.len()) as u64
    }

    /// Header and content in one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEADER + self.content.len());
        bytes.put_slice(&self.header());
        bytes.put_slice(&self.content);
        bytes.freeze()
    }

    /// Reads the only record of a message.
    ///
    /// # Errors
    /// The bytes are not exactly one record of at most `most` bytes of content.
    pub fn only(bytes: Bytes, most: usize) -> Result<Self, RecordError> {
        let mut reader = Reader::new(most);
        reader.feed(bytes);
        let record = reader.pop()?.ok_or(RecordError::Length)?;
        if reader.is_between() { Ok(record) } else { Err(RecordError::Length) }
    }
}

/// Takes bytes as they come and gives records.
#[derive(Debug)]
pub struct Reader {
    most: usize,
    buffer: BytesMut,
}

impl Reader {
    /// Takes records of at most `most` bytes of content.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, buffer: BytesMut::new() }
    }

    /// More bytes.
    pub fn feed(&mut self, bytes: Bytes) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::from(bytes);
        } else {
            self.buffer.extend_from_slice(&bytes);
        }
    }

    /// The next record, if it is complete.
    ///
    /// # Errors
    /// What comes is no record. Nothing behind it can be read.
    pub fn pop(&mut self) -> Result<Option<Record>, RecordError> {
        let Some((header, rest)) = self.buffer.split_first_chunk::<HEADER>() else { return Ok(None) };
        let [code, length @ ..] = *header;
        let kind = KINDS.iter().find(|(known, _)| *known == code).ok_or(RecordError::Kind)?.1;
        let length = u32::from_be_bytes(length) as usize;
        if length > self.most {
            return Err(RecordError::TooLong);
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        Ok(Some(Record { kind, content: self.buffer.split_to(length).freeze() }))
    }

    /// Has everything been read that was fed?
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = Record> {
        (0..KINDS.len(), proptest::collection::vec(any::<u8>(), 0..50))
            .prop_map(|(kind, content)| Record::new(KINDS[kind].1, content))
    }

    proptest! {
        #[test]
        fn records_are_read_however_they_are_cut(records in proptest::collection::vec(record(), 0..6), sizes in proptest::collection::vec(1usize..20, 1..6)) {
            let mut wire: Bytes = records.iter().flat_map(|r| r.to_bytes().to_vec()).collect::<Vec<u8>>().into();
            let mut reader = Reader::new(50);
            let mut read = Vec::new();
            for size in sizes.iter().cycle() {
                while let Some(record) = reader.pop().unwrap() {
                    read.push(record);
                }
                if wire.is_empty() {
                    break;
                }
                reader.feed(wire.split_to((*size).min(wire.len())));
            }
            prop_assert!(reader.is_between());
            prop_assert_eq!(read, records);
        }

        #[test]
        fn no_bytes_make_it_fail_or_hold_more_than_it_was_given(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(40);
            reader.feed(bytes.into());
            while let Ok(Some(record)) = reader.pop() {
                prop_assert!(record.content.len() <= 40);
            }
        }
    }

    #[test]
    fn a_message_is_exactly_one_record() {
        let whole = Record::new(Kind::Data, &b"abc"[..]).to_bytes();
        assert!(Record::only(whole.clone(), 3).is_ok());
        assert_eq!(Record::only(whole.clone(), 2), Err(RecordError::TooLong));
        assert_eq!(Record::only(whole.slice(..7), 3), Err(RecordError::Length));
        assert_eq!(Record::only([&whole[..], b"x"].concat().into(), 3), Err(RecordError::Length));
        assert_eq!(Record::only(Bytes::from_static(&[9, 0, 0, 0, 0]), 3), Err(RecordError::Kind));
    }
}
