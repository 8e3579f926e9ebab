//! AMQP 0-9-1 as far as a publisher needs it: every message is the same bytes, made once, so that a client
//! costs next to nothing beside the broker that it loads.

use std::collections::VecDeque;

use anyhow::{Context as _, Result, bail, ensure};

pub(crate) const PROTOCOL: &[u8] = b"AMQP\x00\x00\x09\x01";

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const END: u8 = 0xCE;

/// What comes before a frame's payload, and after it.
const AROUND: usize = 8;

/// The property "delivery-mode", and its value for a message that outlives a restart.
const DELIVERY_MODE: u16 = 1 << 12;
const PERSISTENT: u8 = 2;

/// Methods, by class and number.
pub(crate) const START: (u16, u16) = (10, 10);
pub(crate) const TUNE: (u16, u16) = (10, 30);
pub(crate) const CONNECTION_OPENED: (u16, u16) = (10, 41);
pub(crate) const CHANNEL_OPENED: (u16, u16) = (20, 11);
pub(crate) const CONFIRMS: (u16, u16) = (85, 11);
pub(crate) const DECLARED: (u16, u16) = (50, 11);
pub(crate) const PURGED: (u16, u16) = (50, 31);
const ACK: (u16, u16) = (60, 80);

/// A frame of a method: what it is, and its arguments.
pub(crate) struct Method<'a> {
    pub(crate) name: (u16, u16),
    pub(crate) arguments: &'a [u8],
}

/// The first method in these bytes and how many it takes, if it is there as a whole.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<(Method<'_>, usize)>> {
    let Some((head, rest)) = bytes.split_first_chunk::<7>() else { return Ok(None) };
    let [kind, _, _, size @ ..] = head;
    let size = usize::try_from(u32::from_be_bytes(*size))?;
    let Some(payload) = rest.get(..size).filter(|_| rest.len() > size) else { return Ok(None) };
    ensure!(*kind == METHOD && rest[size] == END, "a frame that nobody expects: {head:?}");
    let (name, arguments) = payload.split_first_chunk::<4>().context("a method without a name")?;
    let name = (u16::from_be_bytes([name[0], name[1]]), u16::from_be_bytes([name[2], name[3]]));
    Ok(Some((Method { name, arguments }, size + AROUND)))
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("a frame of a benchmark is small");
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend(size.to_be_bytes());
    frame.extend(payload);
    frame.push(END);
    frame
}

fn method(channel: u16, (class, number): (u16, u16), arguments: &[u8]) -> Vec<u8> {
    frame(METHOD, channel, &[&class.to_be_bytes(), &number.to_be_bytes(), arguments].concat())
}

fn short(text: &str) -> Vec<u8> {
    let size = u8::try_from(text.len()).expect("a name of a benchmark is short");
    [&[size], text.as_bytes()].concat()
}

fn long(text: &[u8]) -> Vec<u8> {
    let size = u32::try_from(text.len()).expect("a text of a benchmark is short");
    [&size.to_be_bytes(), text].concat()
}

/// Who is there.
pub(crate) fn start_ok(user: &str, password: &str) -> Vec<u8> {
    let response = long(format!("\0{user}\0{password}").as_bytes());
    let no_properties = long(&[]);
    let arguments = [no_properties, short("PLAIN"), response, short("en_US")].concat();
    method(0, (10, 11), &arguments)
}

/// Agrees to what the broker proposes, without heartbeats; then opens `/` and a channel that confirms.
pub(crate) fn open(tune: &[u8]) -> Result<Vec<u8>> {
    let proposed = tune.get(..6).context("a proposal that is too short")?;
    let frames = [
        method(0, (10, 31), &[proposed, &[0, 0]].concat()),
        method(0, (10, 40), &[&*short("/"), &short(""), &[0]].concat()),
        method(1, (20, 10), &short("")),
        method(1, (85, 10), &[0]),
    ];
    Ok(frames.concat())
}

/// A durable queue of this type.
pub(crate) fn declare(queue: &str, kind: &str) -> Vec<u8> {
    let durable = 1 << 1;
    let arguments = [short("x-queue-type"), vec![b'S'], long(kind.as_bytes())].concat();
    method(1, (50, 10), &[vec![0, 0], short(queue), vec![durable], long(&arguments)].concat())
}

/// Takes everything out of a queue.
pub(crate) fn purge(queue: &str) -> Vec<u8> {
    method(1, (50, 30), &[vec![0, 0], short(queue), vec![0]].concat())
}

/// A persistent message to a queue.
pub(crate) fn message(queue: &str, body: &[u8]) -> Vec<u8> {
    let size = u64::try_from(body.len()).expect("a body has a size");
    let reserved = 0_u16.to_be_bytes();
    let (class, weight) = (60_u16.to_be_bytes(), 0_u16.to_be_bytes());
    let (size, flags) = (size.to_be_bytes(), DELIVERY_MODE.to_be_bytes());
    let header = [&class[..], &weight, &size, &flags, &[PERSISTENT]].concat();
    let frames = [
        method(1, (60, 40), &[&reserved[..], &short(""), &short(queue), &[0]].concat()),
        frame(HEADER, 1, &header),
        frame(BODY, 1, body),
    ];
    frames.concat()
}

/// Which messages are confirmed: brokers do it one by one or many at once, and not in turn.
#[derive(Default)]
pub(crate) struct Confirms {
    /// The tag of the first one that is not.
    first: u64,
    /// Whether it and those after it are.
    open: VecDeque<bool>,
}

impl Confirms {
    /// So many more were published.
    pub(crate) fn expect(&mut self, count: usize) {
        self.open.extend(std::iter::repeat_n(false, count));
    }

    /// Takes a method of the broker's; how many messages it confirms.
    pub(crate) fn take(&mut self, method: &Method<'_>) -> Result<usize> {
        let (ACK, [tag @ .., multiple]) = (method.name, method.arguments) else {
            bail!(
                "the broker says {:?}: {}",
                method.name,
                String::from_utf8_lossy(method.arguments)
            );
        };
        let tag = u64::from_be_bytes(tag.try_into()?);
        // Tags begin with 1.
        let at = tag.checked_sub(self.first + 1).map(usize::try_from).transpose()?;
        let Some(at) = at.filter(|at| *at < self.open.len()) else {
            bail!("a confirm for {tag}, which nobody waits for");
        };
        let from = if *multiple == 0 { at } else { 0 };
        let mut confirmed = 0;
        for open in self.open.range_mut(from..=at) {
            confirmed += usize::from(!std::mem::replace(open, true));
        }
        while self.open.front() == Some(&true) {
            self.open.pop_front();
            self.first += 1;
        }
        Ok(confirmed)
    }
}
