//! One table with the codec of every message, and its schema.

use bytes::{Bytes, BytesMut};
use kafka::messages::*;
use kafka::{Data, DecodeError, Decoder, EncodeError, Encoder, Message};

use crate::schema;

/// What reading and writing a message gave.
#[derive(Debug)]
pub(crate) enum Outcome {
    Written(Bytes),
    Unreadable(DecodeError),
    Unwritable(EncodeError),
}

/// A message's generated code, behind functions that all have the same type.
pub(crate) struct Codec {
    pub(crate) schema: schema::Message,
    /// Reads bytes in one version and writes them in another; `None` writes the default value.
    pub(crate) recode: fn(Option<&Bytes>, i16, i16) -> Outcome,
    /// Reads bytes to their end, and again what was written from them, and compares the values.
    pub(crate) read_twice: fn(&Bytes, i16),
    /// Reads bytes and drops the value.
    pub(crate) read: fn(Bytes, i16) -> Result<(), DecodeError>,
    /// The same message in the crate `kafka-protocol`: the versions it has, and its codec.
    pub(crate) theirs: Option<Theirs>,
}

pub(crate) struct Theirs {
    pub(crate) versions: kafka_protocol::protocol::VersionRange,
    pub(crate) recode: fn(&Bytes, i16) -> Result<Bytes, String>,
}

/// Every message of the crate.
pub(crate) fn all() -> Vec<Codec> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = schema::read_folder(&root.join("schemas"));
    let mut schemas: Vec<_> = files.into_iter().flat_map(|file| file.messages).collect();
    let mut codecs = Vec::new();
    let mut take = |name: &str| {
        let at = schemas.iter().position(|schema| schema.name == name).expect("a schema");
        schemas.swap_remove(at)
    };

    macro_rules! apis {
        ($($request:ident $response:ident;)*) => { $(
            codecs.push(message::<$request, kafka_protocol::messages::$request>(
                take(stringify!($request)),
            ));
            codecs.push(message::<$response, kafka_protocol::messages::$response>(
                take(stringify!($response)),
            ));
        )* };
    }
    kafka::with_every_api!(apis);

    codecs.push(data::<ConsumerProtocolSubscription>(take("ConsumerProtocolSubscription")));
    codecs.push(data::<ConsumerProtocolAssignment>(take("ConsumerProtocolAssignment")));
    codecs.push(data::<LegacyOffsetCommitKey>(take("LegacyOffsetCommitKey")));
    codecs.push(data::<LegacyOffsetCommitValue>(take("LegacyOffsetCommitValue")));
    codecs.push(data::<OffsetCommitKey>(take("OffsetCommitKey")));
    codecs.push(data::<OffsetCommitValue>(take("OffsetCommitValue")));
    codecs.push(data::<GroupMetadataKey>(take("GroupMetadataKey")));
    codecs.push(data::<GroupMetadataValue>(take("GroupMetadataValue")));
    assert!(schemas.is_empty(), "schemas without a codec here: {schemas:?}");
    codecs
}

fn message<M, T>(schema: schema::Message) -> Codec
where
    M: Message + Default + PartialEq + std::fmt::Debug,
    T: kafka_protocol::protocol::Message
        + kafka_protocol::protocol::Decodable
        + kafka_protocol::protocol::Encodable,
{
    assert_eq!(M::VERSIONS, schema.versions.min..=schema.versions.max, "{}", M::NAME);
    assert_eq!((M::API_KEY, M::FLEXIBLE_FROM), (schema.key, schema.flexible_from()), "{}", M::NAME);
    Codec {
        schema,
        recode: |bytes, from, to| recode(bytes, from, to, M::decode, M::encode),
        read_twice: |bytes, version| read_twice(bytes, version, M::decode, M::encode),
        read: |bytes, version| M::decode(&mut Decoder::new(bytes), version).map(drop),
        theirs: Some(Theirs { versions: T::VERSIONS, recode: recode_theirs::<T> }),
    }
}

fn data<D: Data + Default + PartialEq + std::fmt::Debug>(schema: schema::Message) -> Codec {
    assert_eq!(D::VERSIONS, schema.versions.min..=schema.versions.max, "{}", D::NAME);
    assert_eq!(D::FLEXIBLE_FROM, schema.flexible_from(), "{}", D::NAME);
    Codec {
        schema,
        recode: |bytes, from, to| recode(bytes, from, to, D::decode, D::encode),
        read_twice: |bytes, version| read_twice(bytes, version, D::decode, D::encode),
        read: |bytes, version| D::decode(&mut Decoder::new(bytes), version).map(drop),
        theirs: None,
    }
}

type Decode<T> = fn(&mut Decoder, i16) -> Result<T, DecodeError>;
type Encode<T> = fn(&T, &mut Encoder, i16) -> Result<(), EncodeError>;

fn recode<T: Default>(
    bytes: Option<&Bytes>,
    from: i16,
    to: i16,
    decode: Decode<T>,
    encode: Encode<T>,
) -> Outcome {
    let value = match bytes.map(|bytes| decode(&mut Decoder::new(bytes.clone()), from)) {
        None => T::default(),
        Some(Ok(value)) => value,
        Some(Err(error)) => return Outcome::Unreadable(error),
    };
    let mut e = Encoder::new();
    match encode(&value, &mut e, to) {
        Ok(()) => Outcome::Written(e.finish().to_bytes()),
        Err(error) => Outcome::Unwritable(error),
    }
}

fn read_twice<T: PartialEq + std::fmt::Debug>(
    bytes: &Bytes,
    version: i16,
    decode: Decode<T>,
    encode: Encode<T>,
) {
    let mut d = Decoder::new(bytes.clone());
    let value = decode(&mut d, version).unwrap();
    assert_eq!(d.remaining(), 0, "bytes left behind {value:?}");
    let mut e = Encoder::new();
    encode(&value, &mut e, version).unwrap();
    let length = e.len();
    let written = e.finish();
    assert_eq!(written.len(), length);
    assert_eq!(decode(&mut Decoder::new(written.to_bytes()), version).unwrap(), value);
}

fn recode_theirs<T>(bytes: &Bytes, version: i16) -> Result<Bytes, String>
where
    T: kafka_protocol::protocol::Decodable + kafka_protocol::protocol::Encodable,
{
    let mut rest = bytes.clone();
    let value = T::decode(&mut rest, version).map_err(|error| format!("{error:#}"))?;
    if !rest.is_empty() {
        return Err(format!("{} bytes left", rest.len()));
    }
    let mut written = BytesMut::new();
    value.encode(&mut written, version).map_err(|error| format!("{error:#}"))?;
    Ok(written.freeze())
}
