//! CBOR, as Smithy's RPC has it.
//!
//! Source: "Smithy RPC v2 CBOR protocol" of the Smithy specification.

use minicbor::{
    Decoder, Encoder,
    data::{IanaTag, Tag, Type},
};

use super::value::{MAX_DEPTH, Members, Value, moment, seconds};

/// Most items of a body, however they are nested: what a few bytes announce must not take more memory than they.
const MAX_ITEMS: usize = 200_000;

/// The bytes are no CBOR, or none that requests have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotCbor;

/// Reads a body, which is a structure. An empty one has no members.
pub(crate) fn read(body: &[u8]) -> Result<Value, NotCbor> {
    if body.is_empty() {
        return Ok(Value::Structure(Members::default()));
    }
    let mut reader = Reader { decoder: Decoder::new(body), items: 0 };
    let value = reader.value(0)?;
    let is_whole = reader.decoder.position() == body.len();
    if is_whole && matches!(value, Value::Structure(_)) { Ok(value) } else { Err(NotCbor) }
}

struct Reader<'a> {
    decoder: Decoder<'a>,
    items: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, NotCbor> {
        self.items += 1;
        if depth > MAX_DEPTH || self.items > MAX_ITEMS {
            return Err(NotCbor);
        }
        let decoder = &mut self.decoder;
        Ok(match decoder.datatype()? {
            Type::Null => {
                decoder.null()?;
                Value::Absent
            }
            Type::Undefined => {
                decoder.undefined()?;
                Value::Absent
            }
            Type::Bool => Value::Boolean(decoder.bool()?),
            Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int => Value::Integer(decoder.i64()?),
            Type::F16 => Value::Double(decoder.f16()?.into()),
            Type::F32 => Value::Double(decoder.f32()?.into()),
            Type::F64 => Value::Double(decoder.f64()?),
            Type::String | Type::StringIndef => Value::Text(self.text()?),
            Type::Array | Type::ArrayIndef => self.list(depth)?,
            Type::Map | Type::MapIndef => self.structure(depth)?,
            Type::Tag => self.tagged()?,
            Type::Bytes | Type::BytesIndef | Type::Simple | Type::Break | Type::Unknown(_) => {
                return Err(NotCbor);
            }
        })
    }

    fn text(&mut self) -> Result<String, NotCbor> {
        let mut text = String::new();
        for part in self.decoder.str_iter()? {
            text.push_str(part?);
        }
        Ok(text)
    }

    /// A time, the only value with a tag.
    fn tagged(&mut self) -> Result<Value, NotCbor> {
        if self.decoder.tag()? != Tag::from(IanaTag::Timestamp) {
            return Err(NotCbor);
        }
        let at = match self.value(MAX_DEPTH)? {
            #[expect(clippy::cast_precision_loss, reason = "seconds of any year that is taken")]
            Value::Integer(seconds) => moment(seconds as f64),
            Value::Double(seconds) => moment(seconds),
            _ => return Err(NotCbor),
        };
        // One that is too far away is refused by whoever wants a time.
        Ok(at.map_or(Value::Double(f64::NAN), Value::Moment))
    }

    fn list(&mut self, depth: usize) -> Result<Value, NotCbor> {
        let length = self.decoder.array()?;
        let mut items = Vec::new();
        while self.has_next(length, items.len())? {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn structure(&mut self, depth: usize) -> Result<Value, NotCbor> {
        let length = self.decoder.map()?;
        let mut members = Members::default();
        let mut read = 0;
        while self.has_next(length, read)? {
            let name = self.text()?;
            members.put(name, self.value(depth + 1)?);
            read += 1;
        }
        Ok(Value::Structure(members))
    }

    /// Whether there is another item; without a length the list ends with a break.
    fn has_next(&mut self, length: Option<u64>, read: usize) -> Result<bool, NotCbor> {
        match length {
            Some(length) => Ok(u64::try_from(read).is_ok_and(|read| read < length)),
            None if self.decoder.datatype()? == Type::Break => {
                self.decoder.skip()?;
                Ok(false)
            }
            None => Ok(true),
        }
    }
}

impl From<minicbor::decode::Error> for NotCbor {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// The bytes of a value. Times are tagged seconds since 1970 with a fraction, because not every SDK reads whole ones.
pub(crate) fn written(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to memory does not fail.
    let _ = write(&mut encoder, value);
    encoder.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Absent => encoder.null()?,
        Value::Boolean(is) => encoder.bool(*is)?,
        Value::Integer(number) => encoder.i64(*number)?,
        Value::Double(number) => encoder.f64(*number)?,
        Value::Text(text) | Value::Form(text) => encoder.str(text)?,
        Value::Moment(moment) => encoder.tag(IanaTag::Timestamp)?.f64(seconds(*moment))?,
        Value::List(items) => {
            encoder.array(length(items.len()))?;
            return items.iter().try_for_each(|item| write(encoder, item));
        }
        Value::Structure(members) => {
            encoder.map(length(members.iter().len()))?;
            for (name, value) in members.iter() {
                encoder.str(name)?;
                write(encoder, value)?;
            }
            return Ok(());
        }
    };
    Ok(())
}

fn length(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// The members of a body as events tell them; none: it is no CBOR.
pub(crate) fn as_json(body: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    let value = read(body).ok()?;
    match super::json::written(&value) {
        serde_json::Value::Object(members) => Some(members),
        _ => None,
    }
}
